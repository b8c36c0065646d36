// The lab's pages work without this file. It lets a script try what a cookie's
// attributes forbid, and says what came of it.
const names = () => document.cookie.split("; ").filter(Boolean).map((c) => c.split("=")[0]);
const drop = (name, rest) => { document.cookie = name + "=; Max-Age=0; " + rest; };

const tries = {
  read() {
    document.cookie = "lab-try=1; Path=/lab; SameSite=Lax";
    const found = names();
    drop("lab-try", "Path=/lab");
    return "It wrote lab-try, and reads: " + (found.join(", ") || "nothing") + ".";
  },
  host() {
    const put = (what, rest) => {
      document.cookie = "__Host-lab-try=1; Secure; " + rest;
      const kept = names().includes("__Host-lab-try");
      drop("__Host-lab-try", "Secure; " + rest);
      return what + (kept ? ": kept" : ": refused");
    };
    return [put("With Path=/lab", "Path=/lab"), put("with a Domain", "Path=/; Domain=" + location.hostname), put("with Path=/ and no Domain", "Path=/")].join("; ") + ".";
  },
};

for (const button of document.querySelectorAll("[data-try]")) {
  button.parentElement.hidden = false;
  button.addEventListener("click", () => { button.nextElementSibling.textContent = tries[button.dataset.try](); });
}
