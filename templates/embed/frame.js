// In the frame: tells the page around it how high its content is, whenever that changes. It is no secret, so
// whoever the page is may know it.
(() => {
  const tell = () => {
    const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    window.parent.postMessage({ subnotice: 'size', height, title: document.title }, '*');
  };
  new ResizeObserver(tell).observe(document.documentElement);
  // Whoever began to listen after that asks.
  window.addEventListener('message', ({ data, source }) => {
    if (source === window.parent && data?.subnotice === 'ask') tell();
  });
  tell();
})();
