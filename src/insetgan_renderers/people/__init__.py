"""Rendered people: a seeded generator of full-body pictures with exact boxes and masks of the parts.

``render.render_person`` makes one picture, ``dataset.write_people`` an archive of many. Needs the extra ``[people]``.
"""
