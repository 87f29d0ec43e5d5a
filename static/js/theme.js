// Runs before anything is painted: who is not signed in keeps the theme of this browser.
(() => {
  const root = document.documentElement;
  if (root.dataset.themeSaved) return;
  try {
    const kept = localStorage.getItem("theme");
    if (kept === "light" || kept === "dark" || kept === "system") root.dataset.theme = kept;
  } catch {
    /* A browser that keeps nothing follows the system. */
  }
})();
