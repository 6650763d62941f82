// Runs before the first paint, so that a chosen theme does not flash in the other one. prefs.js writes the value.
try {
  const theme = localStorage.getItem("visavis.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // No storage, no choice: the system's theme stays.
}
