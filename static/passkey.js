// Passkeys without fetch: the options stand in a form's data-options; what the
// device answers goes into the form's hidden field, and the form is sent.
const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/[+/=]/g, (c) => ({ "+": "-", "/": "_" })[c] || "");
const bytes = (text) => Uint8Array.from(atob(text.replace(/[-_]/g, (c) => (c === "-" ? "+" : "/"))), (c) => c.charCodeAt(0));
const listed = (all) => all && all.map((one) => ({ ...one, id: bytes(one.id) }));

// read returns the options with bytes where the browser wants them.
function read(form) {
  const { publicKey: o } = JSON.parse(form.dataset.options);
  o.challenge = bytes(o.challenge);
  if (o.user) o.user.id = bytes(o.user.id);
  if (o.excludeCredentials) o.excludeCredentials = listed(o.excludeCredentials);
  if (o.allowCredentials) o.allowCredentials = listed(o.allowCredentials);
  return o;
}

// written returns the browser's answer as JSON.
function written(made) {
  const r = made.response, answer = { clientDataJSON: text(r.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    const value = name === "authenticatorData" && r.attestationObject ? null : r[name];
    if (value) answer[name] = text(value);
  }
  if (r.getTransports) answer.transports = r.getTransports();
  return JSON.stringify({
    id: made.id, rawId: text(made.rawId), type: made.type, response: answer,
    authenticatorAttachment: made.authenticatorAttachment || undefined,
    clientExtensionResults: { credProps: made.getClientExtensionResults().credProps },
  });
}

const host = (o) => o.rpId || o.rp.id;
const forms = [...document.querySelectorAll("form[data-options]")].filter((form) => window.PublicKeyCredential && host(read(form)) === location.hostname);
const remember = document.querySelector("#sign-in [name=remember]");
let request, asking = false;

// ask asks the browser, and sends the form with the answer or the name of the error. It
// ends the request before, without waiting for that: browsers ask for one thing at a time,
// and some password managers never answer.
async function ask(form, mediation) {
  request?.abort();
  const mine = request = new AbortController();
  asking ||= !mediation;
  let made, answer = "", trouble = "";
  try {
    const publicKey = read(form), options = { publicKey, mediation, signal: mine.signal };
    made = await (publicKey.rp ? navigator.credentials.create(options) : navigator.credentials.get(options));
    answer = written(made);
  } catch (e) {
    if (mediation && !made) return; // that there are no passkeys, or that nobody takes one, is no trouble
    trouble = e.name || "Error";
  }
  if (mine !== request) return;
  asking = true;
  form.elements.answer.value = answer;
  form.elements.trouble.value = trouble;
  if (remember) form.elements.remember.value = remember.checked ? "1" : "";
  form.submit();
}

for (const form of forms) {
  form.hidden = false;
  form.action += location.hash;
  form.addEventListener("click", (event) => { if (asking && event.detail > 1) event.preventDefault(); }); // a double click asks once
  form.addEventListener("submit", (event) => {
    if (form.elements.code?.value) return; // typed instead
    event.preventDefault();
    ask(form);
  });
}
if (forms.length) for (const other of document.querySelectorAll("[data-without]")) other.hidden = true;

// The passkeys that the username's field offers, unless one was refused just now.
const offered = !document.querySelector("#problem") && forms.find((form) => "autofill" in form.dataset);
if (offered) {
  PublicKeyCredential.isConditionalMediationAvailable?.().then((can) => { if (can && !request) ask(offered, "conditional"); }, () => {});
  // The challenge is good for five minutes: who comes back later gets a new one.
  const shown = Date.now();
  document.addEventListener("visibilitychange", () => {
    const typed = document.querySelector("#username").value + document.querySelector("#password").value;
    if (!document.hidden && Date.now() - shown > 240e3 && !typed && !asking) location.reload();
  });
}

// A page that comes back from the browser's memory may get a new challenge.
addEventListener("pageshow", (event) => { if (event.persisted) asking = false; });

// Devices are told of passkeys that are good no more, so that they offer them no
// more.
const told = document.querySelector("[data-signal]");
if (told && window.PublicKeyCredential) {
  const o = JSON.parse(told.dataset.signal);
  (o.credentialId ? PublicKeyCredential.signalUnknownCredential?.(o) : PublicKeyCredential.signalAllAcceptedCredentials?.(o))?.catch(() => {});
}
