// Runs before the first paint, so that a chosen theme does not flash in the other one. prefs.js keeps the value.
try {
  const kept = /** @type {any} */ (globalThis).__VISAVIS_SETTINGS__ ?? JSON.parse(localStorage.getItem("visavis.settings") ?? "null");
  const theme = kept?.theme ?? localStorage.getItem("visavis.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // No storage, no choice: the system's theme stays.
}
