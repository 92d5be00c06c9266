// What every page loads: htmx and four small courtesies. Without it each page still works as plain links and forms.
import "htmx.org/dist/htmx.esm.js";

const root = document.documentElement;
root.classList.add("js");

/** Show which theme is chosen and remember it for a year; the server reads the cookie on the next page. */
function setTheme(choice) {
  if (choice === "system") {
    delete root.dataset.theme;
  } else {
    root.dataset.theme = choice;
  }
  const age = choice === "system" ? 0 : 31536000;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${choice}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
  root.dispatchEvent(new Event("themechange"));
}

/** Copy the text of the element named by data-copy, and say so in the button for two seconds. */
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const label = button.querySelector("[data-copy-label]");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText("value" in source ? source.value : source.textContent.trim());
    label.textContent = "Copied";
  } catch {
    // No clipboard permission: select the text so that one key press copies it.
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    label.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { label.textContent = before; }, 2000);
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-copy], [data-theme-choice], [data-dialog]");
  if (target?.dataset.copy) {
    copy(target);
  } else if (target?.dataset.themeChoice) {
    event.preventDefault();
    setTheme(target.dataset.themeChoice);
    target.closest("details")?.removeAttribute("open");
  } else if (target?.dataset.dialog) {
    const dialog = document.getElementById(target.dataset.dialog);
    if (dialog) {
      event.preventDefault();
      dialog.showModal();
    }
  }
  // An open menu closes when the click lands elsewhere.
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.removeAttribute("open");
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  }
});

// A second press while the first is on its way would buy or create twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method === "post" && !form.hasAttribute("hx-post")) form.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// The page between a form of ours and a page of the payment provider goes on by itself.
const onward = document.querySelector("a[data-continue]");
if (onward) location.replace(onward.href);

/** Times are sent in UTC with a machine-readable value; show them in the reader's zone. */
function localTimes(within) {
  for (const time of within.querySelectorAll("time[data-local]")) {
    const value = new Date(time.dateTime);
    const style = time.dataset.local === "date" ? { dateStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" };
    time.title = time.textContent.trim();
    time.textContent = new Intl.DateTimeFormat("en-GB", style).format(value);
    delete time.dataset.local;
  }
}
localTimes(document);
document.addEventListener("htmx:after:swap", () => localTimes(document));
