// The page editor: the preview follows what is typed. Without JavaScript the button "Update preview" does it.
// Each time a new frame is loaded behind the one in sight, and takes its place where the reader was: nothing flickers, and the
// browser's Back still leads to the page before, not through every letter.
const form = document.getElementById("page");
const box = form.querySelector(".editor-frame");
const frame = () => box.querySelector("iframe:not(.is-coming)");
const PAUSE = 350; // milliseconds without a key
let timer, isLoading = false, isStale = false, isDirty = form.hasAttribute("data-unsaved"), count = 0;

function update() {
  if (isLoading) { isStale = true; return; }
  isLoading = true;
  isStale = false;
  const before = frame();
  const next = before.cloneNode(false);
  next.removeAttribute("src");
  next.name = `preview-${++count}`;
  next.className = "is-coming";
  next.tabIndex = -1;
  box.append(next);
  const { action, target } = form;
  form.action = form.dataset.preview;
  form.target = next.name;
  const done = () => {
    const top = before.contentWindow?.scrollY ?? 0;
    next.contentWindow?.scrollTo(0, top);
    next.className = "";
    next.removeAttribute("tabindex");
    before.remove();
    next.name = "preview";
    isLoading = false;
    if (isStale) update();
  };
  form.submit();
  next.addEventListener("load", done, { once: true });
  form.action = action;
  form.target = target;
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(update, PAUSE);
}

// The colour: a picker beside the field, and the contrast of a button's text (WCAG 2.2), as optout/pages.py has it.
const colour = form.elements.colour;
const picker = document.getElementById("colour-picker");
const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);

function showColour() {
  const isColour = /^#[0-9a-f]{6}$/i.test(colour.value.trim());
  for (const id of ["swatch", "contrast"]) document.getElementById(id).toggleAttribute("hidden", !isColour);
  if (!isColour) return;
  const value = colour.value.trim().toLowerCase();
  picker.value = value;
  const [red, green, blue] = [1, 3, 5].map((at) => linear(parseInt(value.slice(at, at + 2), 16) / 255));
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  const white = 1.05 / (luminance + 0.05), black = (luminance + 0.05) / 0.05;
  const swatch = document.getElementById("swatch");
  swatch.querySelector("rect").setAttribute("fill", value);
  swatch.querySelector("text").setAttribute("fill", white >= black ? "#fff" : "#000");
  document.querySelector("#contrast b").textContent = Math.max(white, black).toFixed(1);
}

picker.hidden = false;
picker.addEventListener("input", () => { colour.value = picker.value; showColour(); });
colour.addEventListener("input", showColour);

// Who writes a text that is seen in one state alone is shown that state.
function showStateOf(field) {
  const state = field.dataset.state;
  const select = form.elements.state;
  if (state && select.value !== state && select.querySelector(`option[value="${state}"]`)) select.value = state;
}

form.classList.add("is-live");
form.addEventListener("input", (event) => {
  showStateOf(event.target);
  if (event.target.type !== "file" && event.target.tagName !== "SELECT") soon();
  if (!["state", "scheme"].includes(event.target.name)) isDirty = true;
});
form.addEventListener("change", (event) => { if (event.target.type === "file" || event.target.tagName === "SELECT") update(); });

// Whoever leaves with something unsaved is asked; whoever presses a button of this form is not.
form.addEventListener("submit", (event) => { if (!event.submitter?.formTarget) isDirty = false; });
addEventListener("beforeunload", (event) => { if (isDirty) event.preventDefault(); });
addEventListener("pageshow", () => { if (form.hasAttribute("data-unsaved") || isDirty) update(); });
