// Parts that stay up to date, loaded only by pages that have one: <div id="x" data-live="/its/stream">. The server
// sends the part anew whenever it changed. Where it cannot, the page is asked for now and then and the part taken out
// of it; where nothing works, the page is what it was when it was loaded.
const POLL = 20000;

const parsed = (html) => new DOMParser().parseFromString(html, "text/html");

// Parsed apart, so that nothing in it runs.
function show(holder, part) {
  const fresh = holder.cloneNode(false);
  fresh.append(...part.childNodes);
  if (holder.isEqualNode(fresh)) return;
  holder.replaceChildren(...fresh.childNodes);
  document.dispatchEvent(new CustomEvent("part:shown", { detail: holder }));
}

function follow(holder) {
  let source = null;
  let polling = 0;
  const stop = () => { source?.close(); source = null; clearInterval(polling); polling = 0; };

  async function ask() {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const fresh = parsed(await answer.text()).getElementById(holder.id);
    if (fresh) show(holder, fresh);
  }

  function start() {
    if (source || polling || document.hidden || !holder.isConnected) return;
    source = new EventSource(holder.dataset.live);
    source.addEventListener("part", (event) => show(holder, parsed(event.data).body));
    // The login ended, or is another one: the page is no longer this person's.
    source.addEventListener("end", () => {
      stop();
      // Unless it ended by a form sent from here: its answer leads on, and loading anew would cut it off.
      if (!document.querySelector("form[data-sent]")) location.reload();
    });
    source.addEventListener("done", stop);
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return; // it comes back by itself
      stop();
      polling = setInterval(ask, POLL);
    });
  }

  // A browser keeps few lines to one host: a page nobody looks at gives its own back.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", start);
  start();
}

for (const holder of document.querySelectorAll("[data-live]")) follow(holder);
