// Live figures on the page of a version. Without this script the page renews itself as a whole.
(() => {
  const figures = document.querySelector('[data-progress]');
  const spoken = document.querySelector('[data-progress-spoken]');
  if (!figures || !spoken || !('EventSource' in window)) return;

  const quiet = 10_000;
  // Nobody who is at work in the page is torn out of it: what they have typed would be gone.
  const renew = () => {
    const idle = document.activeElement === null || document.activeElement === document.body;
    const typed = [...document.querySelectorAll('textarea, input')].some((field) => field.value !== field.defaultValue);
    if (idle && !typed) window.location.reload();
    else setTimeout(renew, quiet);
  };
  let lastSaid = Date.now();
  let heard = false;
  const events = new EventSource(figures.dataset.progress);

  // Whoever listens to the page hears a sentence now and then, not every figure.
  const say = (atOnce) => {
    const sentence = figures.querySelector('[data-said]')?.dataset.said ?? '';
    if (sentence === spoken.textContent || (!atOnce && Date.now() - lastSaid < quiet)) return;
    spoken.textContent = sentence;
    lastSaid = Date.now();
  };

  events.addEventListener('progress', (event) => {
    heard = true;
    figures.innerHTML = event.data;
    say(false);
  });
  events.addEventListener('complete', () => {
    events.close();
    say(true);
    // The table below is as old as the page.
    renew();
  });
  events.addEventListener('error', () => {
    // Turned away (too many watch, or the session has ended): then the page as a whole, after a while.
    if (events.readyState === EventSource.CLOSED) setTimeout(renew, quiet);
  });
  // A proxy that keeps events back until its buffer is full sends none in this time.
  setTimeout(() => {
    if (heard) return;
    events.close();
    renew();
  }, 3 * quiet);
})();
