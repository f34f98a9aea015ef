// Before the first paint: the theme that this browser was told to use.
try {
  const theme = localStorage.getItem('keyhole.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the theme is that of the system.
}
