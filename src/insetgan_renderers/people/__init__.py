"""Rendered people: a seeded generator of full-body images with exact boxes and masks of the parts.

``render.render_person`` makes one image, ``dataset.write_people`` an archive of many. Needs the extra ``[people]``.
"""
