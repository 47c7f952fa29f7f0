"""How the page looks: fonts of the system, and a few rules of style."""

import gradio as gr

STYLE = """
.gradio-container { max-width: 1400px !important; margin: 0 auto !important; }
.status { font-size: 1rem; margin: 0.25rem 0; min-height: 1.5em; }
.status.problem { color: #b00020; font-weight: 600; }
.dark .status.problem { color: #ff9aa2; }
.live { display: flex; flex-direction: column; align-items: center; gap: 0.5rem; }
.live img { width: auto; height: min(60vh, 512px); max-width: 100%; object-fit: contain; image-rendering: auto; }
.grid .live img { height: auto; }
.wide { overflow-x: auto; margin-bottom: 1rem; }
.wide td, .wide th { padding: 0.2rem 0.6rem; text-align: left; white-space: nowrap; }
.live.empty { height: min(60vh, 512px); border: 1px dashed #8888; border-radius: 8px; }
.live progress { width: min(100%, 320px); }
.min_value, .max_value { color: var(--body-text-color) !important; }
.file-preview a, a.download-link, button[role="tab"], .permalink { color: var(--body-text-color) !important; }
.seeds .grid-wrap { max-height: 330px; }
@media (max-width: 760px) {
  .halves { flex-direction: column !important; }
  .halves > * { width: 100% !important; min-width: 0 !important; }
}
.permalink { text-decoration: underline; }
footer { display: none !important; }
button:focus-visible, a:focus-visible, input:focus-visible, textarea:focus-visible {
  outline: 3px solid #2563eb !important; outline-offset: 2px;
}
"""


def theme() -> gr.themes.Base:
    """A theme that asks for no font or file from elsewhere."""
    return gr.themes.Base(primary_hue="blue", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
