// The delivery log: what was just asked for is looked up again until it is known what became of it. Without JavaScript
// "Reload" does the same.
const log = document.getElementById("log");
const news = document.getElementById("log-news");
const pending = () => [...log.querySelectorAll("[data-pending]")];

for (let tries = 1; pending().length && tries <= 20; tries++) {
  await new Promise((done) => setTimeout(done, Math.min(500 * tries, 3000)));
  if (document.hidden) continue;
  const answer = await fetch(location.pathname + location.search, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok || answer.redirected) break;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of pending()) {
    const fresh = page.getElementById(old.id);
    if (!fresh || fresh.matches("[data-pending]")) continue;
    fresh.querySelector("details").open = old.querySelector("details").open;
    old.replaceWith(document.adoptNode(fresh));
    news.textContent = fresh.querySelector("summary").textContent.replace(/\s+/g, " ");
  }
}
