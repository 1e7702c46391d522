// Sets the chosen theme before the first paint; a module would run after it and the page would flash.
try {
  const theme = localStorage.getItem('desk-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage can be forbidden; then the system's own theme holds.
}
