// What every page loads: htmx, passkeys and small courtesies. Without it each page still works as plain links and forms.
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

/** Copy data-copy-value, or the text of the element named by data-copy, and say so in the button for two seconds. */
async function copy(button) {
  const source = document.getElementById(button.dataset.copy) ?? button.parentElement;
  const label = button.querySelector("[data-copy-label]");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copyValue ?? ("value" in source ? source.value : source.textContent.trim()));
    button.dataset.copied = "";
    label.textContent = "Copied";
  } catch {
    // No clipboard permission: select the text so that one key press copies it.
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    label.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { label.textContent = before; delete button.dataset.copied; }, 2000);
}

/** Fetch the table that a link leads to, show in the element named by data-counted how far it is, and save it. */
async function fetchCounted(link) {
  const box = document.getElementById(link.dataset.counted);
  const bar = box.querySelector("progress"), note = box.querySelector("[data-note]");
  const number = (count) => Math.max(0, count).toLocaleString(root.dataset.locale);
  box.hidden = bar.hidden = false;
  bar.removeAttribute("value");
  link.dataset.busy = "";
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(answer.statusText);
    const total = Number(answer.headers.get("x-total-count")); // 0: too many to count beforehand
    if (total) bar.max = total;
    const say = (count) => {
      if (total) bar.value = Math.max(0, count);
      const share = Math.max(0, Math.min(count / total, 1)).toLocaleString(root.dataset.locale, {style: "percent"});
      note.textContent = total ? `${share} of ${number(total)} records` : `${number(count)} records so far`;
    };
    box.querySelector("[role=status]").textContent = "";
    const pieces = [], reader = answer.body.getReader();
    let records = -1; // the first line is the head
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      pieces.push(piece.value);
      for (const byte of piece.value) records += byte === 10;
      say(records);
    }
    const file = document.createElement("a");
    file.href = URL.createObjectURL(new Blob(pieces, {type: answer.headers.get("content-type")}));
    file.download = answer.headers.get("content-disposition")?.match(/filename="(.+)"/)?.[1] ?? "";
    file.click();
    setTimeout(() => URL.revokeObjectURL(file.href), 60000);
    box.querySelector("[role=status]").textContent = `${number(records)} records saved`;
  } catch {
    location.assign(link.href); // the browser's own download says what is wrong
  }
  bar.hidden = true;
  note.textContent = "";
  delete link.dataset.busy;
}

document.addEventListener("click", (event) => {
  const counted = event.target.closest("a[data-counted]");
  if (counted) {
    event.preventDefault();
    if (!("busy" in counted.dataset)) fetchCounted(counted);
  }
  const target = event.target.closest("[data-copy], [data-copy-value], [data-theme-choice], [data-dialog], [data-toast-end]");
  if (target?.dataset.copy || target?.dataset.copyValue) {
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
  } else if (target) {
    event.preventDefault();
    target.closest("[data-toast]").remove();
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

/** Ask the browser for a passkey by the form's question, put its answer into the form, and send it. */
async function askForPasskey(form) {
  const question = JSON.parse(form.dataset.question);
  const note = form.querySelector("[data-passkey-note]");
  note.hidden = true;
  try {
    const answer = form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(question) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(question) });
    form.elements.credential.value = JSON.stringify(answer.toJSON());
    form.submit();
  } catch {
    note.hidden = false;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.passkey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  askForPasskey(form);
});
if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  for (const form of document.querySelectorAll("form[data-passkey]")) form.hidden = true;
}

/** Have the CAPTCHA's script make a token for what the form does, put it into the form, and send it. */
async function withCaptcha(form) {
  await new Promise((ready) => grecaptcha.ready(ready));
  form.elements.captcha.value = await grecaptcha.execute(form.dataset.captchaKey, { action: form.dataset.captcha });
  form.submit();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.captcha || !window.grecaptcha) return; // not loaded: the server says what is missing
  event.preventDefault();
  event.stopImmediatePropagation();
  if (form.dataset.sent) return;
  form.dataset.sent = "1";
  withCaptcha(form).catch(() => form.submit());
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
// So does a form that waited for its sender to prove who they are.
document.querySelector("form[data-goes-on]")?.requestSubmit();

// A filter that is chosen rather than typed is shown at once.
document.addEventListener("change", (event) => {
  if ("submit" in event.target.dataset) event.target.form.requestSubmit();
});

// Good news goes away by itself, unless somebody is reading it; the rest waits to be dismissed.
for (const said of document.querySelectorAll("[data-toast=good], [data-toast=info]")) {
  setTimeout(function end() {
    if (said.matches(":hover, :focus-within")) setTimeout(end, 2000);
    else said.remove();
  }, 7000);
}

/** Times are sent in UTC with a machine-readable value; show them in the reader's zone, as they told us or the browser. */
function localTimes(within) {
  const write = (time, style) => new Intl.DateTimeFormat(root.dataset.locale ?? "en-GB", { dateStyle: "medium", ...style, timeZone: root.dataset.timeZone }).format(new Date(time.dateTime));
  for (const time of within.querySelectorAll("time[data-local]")) {
    time.title = time.textContent.trim();
    time.textContent = write(time, time.dataset.local === "date" ? {} : { timeStyle: "short" });
    delete time.dataset.local;
  }
  for (const time of within.querySelectorAll("time[data-ago]")) {
    time.title = write(time, { timeStyle: "long" });
    delete time.dataset.ago;
  }
}
localTimes(document);
document.addEventListener("htmx:after:swap", () => localTimes(document));
document.addEventListener("part:shown", (event) => localTimes(event.detail));
