// Copy buttons. They are hidden until this runs: without JavaScript the text can be selected.
for (const button of navigator.clipboard ? document.querySelectorAll("button[data-copy]") : []) {
  const label = button.firstChild;
  const said = label.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    label.textContent = button.dataset.copied;
    setTimeout(() => { label.textContent = said; }, 2000);
  });
}
