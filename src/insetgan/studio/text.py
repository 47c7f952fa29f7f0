"""The texts of the page that change: what a composition is doing, as HTML that is read out where it matters."""

from html import escape

from insetgan.studio.job import Job
from insetgan.studio.preview import Preview, data_address

START = "Choose a body and a face, then press Compose."


def status(text: str, *, problem: bool = False) -> str:
    """A line of status, which screen readers read out; a problem at once."""
    role = "alert" if problem else "status"
    return f'<p role="{role}" class="status{" problem" if problem else ""}">{escape(text)}</p>'


def status_of(job: Job, rank: int) -> str:
    """What a composition is doing.

    Args:
        job: the composition.
        rank: how many come before it.
    """
    if job.state == "waiting":
        others = "one composition comes" if rank == 1 else f"{rank} compositions come"
        return status(f"Waiting: {others} first." if rank else "It begins.")
    if job.state == "failed":
        return status(job.problem, problem=True)
    if job.state == "stopped":
        at = f" after step {job.preview.step} of {job.preview.steps}" if job.preview is not None else ""
        return status(f"Stopped{at}.")
    said = " ".join(f"{line}." for line in job.said)
    if job.state == "done":
        return status(f"Done. {said}".strip())
    return status(figures(job.preview) if job.preview is not None else "Getting ready: networks and start latents.")


def figures(preview: Preview) -> str:
    """Step, seam and band of a preview in words."""
    words = [f"Step {preview.step} of {preview.steps}."]
    for part, seam in preview.seam.items():
        words.append(f"{part.replace('_', ' ')}: seam {seam:.2f}, band {preview.band[part]:.1f}.")
    return " ".join(words)


def live(job: Job | None) -> str:
    """The newest picture of a composition."""
    if job is None or job.preview is None:
        return '<div class="live empty" aria-hidden="true"></div>'
    preview = job.preview
    height, width = preview.size
    share = round(100 * preview.step / preview.steps)
    return (
        f'<div class="live"><img src="{data_address(preview.png)}" width="{width}" height="{height}" '
        f'alt="The composite after step {preview.step} of {preview.steps}">'
        f'<progress max="100" value="{share}" aria-label="Steps done">{share}%</progress></div>'
    )


def picture(png: bytes, alt: str) -> str:
    """A picture that no file is kept for."""
    return f'<div class="live"><img src="{data_address(png)}" alt="{escape(alt, quote=True)}"></div>'


def link(query: str) -> str:
    """The address of these settings."""
    return f'<p><a class="permalink" href="?{escape(query, quote=True)}">Address of these settings</a></p>'
