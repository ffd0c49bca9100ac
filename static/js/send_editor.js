// The Send editor: counts while somebody writes, puts the link where the cursor is, and asks anew when another list is selected.
// Without JavaScript the buttons do the same. The arithmetic is that of lists/segments.py.
const BASIC = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
const EXTENDED = new Set("\f^{}\\[~]|€");
const PLACEHOLDER = "{optout}";
const LIKE_PLACEHOLDER = /\{\s*opt[\s_-]?out\s*\}/gi;
// What reporting/send_editor/texts.py has plain characters for.
const PLAIN = /[–—‐‑−…“”„«»‘’‚`´\u00a0\u202f\u2009\u200b\ufeff\u00ad•]/;

export function measure(text) {
  const characters = [...text];
  const wide = [...new Set(characters.filter((each) => !BASIC.has(each) && !EXTENDED.has(each)))];
  const isGsm = !wide.length;
  const width = (each) => ((isGsm ? EXTENDED.has(each) : each.length > 1) ? 2 : 1);
  const [one, part] = isGsm ? [160, 153] : [70, 67];
  const units = characters.reduce((sum, each) => sum + width(each), 0);
  const encoding = isGsm ? "GSM-7" : "UCS-2";
  if (units <= one) return { encoding, units, segments: text ? 1 : 0, left: one - units, wide };
  let segments = 1, used = 0;
  for (const each of characters) {
    if (used + width(each) > part) { segments += 1; used = 0; }
    used += width(each);
  }
  return { encoding, units, segments, left: part - used, wide };
}

const form = document.getElementById("send");
const text = form?.elements.text;
const look = () => document.getElementById("look");
const isToList = () => form.elements.kind.value !== "number";
const number = new Intl.NumberFormat("en");

function show() {
  const written = text.value.replace(LIKE_PLACEHOLDER, PLACEHOLDER).trim();
  const link = look().dataset.link;
  const parts = isToList() ? written.split(PLACEHOLDER) : [written];
  const size = measure(parts.join(link));
  const say = (what, value) => { document.querySelector(`[data-what="${what}"]`).textContent = value; };
  say("segments", size.segments);
  say("word", size.segments === 1 ? "segment" : "segments");
  say("units", number.format(size.units));
  say("left", size.left);
  say("encoding", size.encoding);
  document.querySelector('[data-what="wide"]').replaceChildren(...size.wide.slice(0, 10).map((each) => {
    const shown = document.createElement("b");
    shown.textContent = each;
    return shown;
  }));
  document.getElementById("wide").hidden = !size.wide.length;
  const { most, tooLong } = document.getElementById("length-note").dataset;
  document.getElementById("too-long").textContent = size.segments > Number(most) ? tooLong : "";
  document.querySelector('[value="plain"]').hidden = !PLAIN.test(written);
  const all = look().querySelector("[data-recipients]");
  if (all) all.textContent = number.format(size.segments * Number(all.dataset.recipients));
  document.getElementById("bubble").replaceChildren(...parts.flatMap((part, at) => {
    if (!at) return part ? [part] : [];
    const shown = document.createElement("span");
    shown.className = "bubble-link";
    shown.textContent = link;
    return [shown, part];
  }));
}

// A number whose STOP ends one list alone is offered for that list, as reporting/forms_send.py does.
function offer() {
  const sender = form.elements.sender;
  const list = isToList() ? form.elements.optout_list.value : "";
  for (const each of sender?.querySelectorAll("[data-list]") ?? []) {
    each.hidden = each.disabled = Boolean(list) && each.dataset.list !== list;
    if (each.disabled && each.selected) sender.value = "";
  }
}

async function ask() {
  offer();
  look().setAttribute("aria-busy", "true");
  const body = new FormData(form);
  body.set("do", "edit");
  const page = await read(form.action, { method: "POST", body: new URLSearchParams(body) });
  const fresh = page?.getElementById("look");
  if (fresh) look().replaceWith(document.adoptNode(fresh));
  else look().removeAttribute("aria-busy");
  for (const each of form.querySelectorAll("[data-for-somebody]")) each.hidden = look().hasAttribute("data-nobody");
  show();
}

async function read(url, options) {
  const answer = await fetch(url, { credentials: "same-origin", ...options }).catch(() => null);
  if (!answer || answer.redirected || ![200, 422].includes(answer.status)) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function insert(event) {
  event.preventDefault();
  if (!isToList()) return;
  const before = text.value.slice(0, text.selectionStart);
  const after = text.value.slice(text.selectionEnd);
  const start = before && !/\s$/.test(before) ? " " : "";
  const end = after && !/^\s/.test(after) ? " " : "";
  text.setRangeText(start + PLACEHOLDER + end, text.selectionStart, text.selectionEnd, "end");
  text.focus();
  show();
}

if (form) {
  const button = document.getElementById("insert-link");
  const turn = () => { button.disabled = !isToList(); };
  text.addEventListener("input", show);
  text.addEventListener("change", ask);  // for what is to be thought of
  button.addEventListener("click", insert);
  form.elements.optout_list.addEventListener("change", ask);
  for (const each of form.querySelectorAll('[name="kind"]')) each.addEventListener("change", () => { turn(); ask(); });
  form.elements.number?.addEventListener("change", ask);
  form.elements.sender?.addEventListener("change", ask);
  turn();
  show();
}

// A message that is being sent: its figures are looked up again until it is over.
const progress = () => document.getElementById("progress");
while (progress()?.matches("[data-pending]")) {
  await new Promise((done) => setTimeout(done, 3000));
  if (document.hidden) continue;
  const fresh = (await read(location.href, {}))?.getElementById("progress");
  if (!fresh) break;
  const hasFocus = progress().contains(document.activeElement);
  progress().replaceWith(document.adoptNode(fresh));
  if (hasFocus) progress().querySelector("button")?.focus();
}
