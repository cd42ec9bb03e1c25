// How long a publication can still be stopped. Without this script the time is there as a time of day.
(() => {
  for (const place of document.querySelectorAll('[data-countdown]')) {
    const end = Date.parse(place.dataset.countdown);
    const tick = () => {
      const seconds = Math.round((end - Date.now()) / 1_000);
      if (seconds < 0) {
        // It has happened, or is about to: the page knows.
        setTimeout(() => window.location.reload(), 2_000);
        return;
      }
      const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
      place.textContent = place.dataset.left.replace('{time}', time);
      setTimeout(tick, 1_000);
    };
    tick();
  }
})();
