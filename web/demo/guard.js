/*
 * Shows an error that happens before main.js runs: a script that does not load or that this browser cannot parse, or an
 * exception during setup. Without this script the page would show "Starting" for ever.
 *
 * A classic script in ES5 syntax, loaded first: it runs in browsers that cannot run the rest. main.js shows its errors
 * itself once it has set `data-state` on the root element.
 */
(function () {
  'use strict';

  var root = document.documentElement;

  function show(text, advice) {
    if (root.getAttribute('data-state') !== null) return;
    // The first error is the cause of the others.
    root.setAttribute('data-state', 'failed');
    root.setAttribute('data-error', 'page-error');
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', fill);
    else fill();

    function fill() {
      document.getElementById('banner').setAttribute('data-mood', 'bad');
      document.getElementById('banner-title').textContent = 'This page could not start';
      document.getElementById('banner-text').textContent = advice + ' (' + text + ')';
    }
  }

  function onError(event) {
    var target = event.target;
    if (target && target.tagName === 'SCRIPT') {
      show(
        target.getAttribute('src') + ' was not loaded, or a file that it needs',
        'Is the server still running? Reload the page.'
      );
    } else if (event.error instanceof SyntaxError) {
      show(String(event.error), 'This browser is too old for the page: update it, or use another one.');
    } else if (target === window) {
      show(event.message || String(event.error), 'Reload the page. If this stays, try another browser.');
    }
  }

  function onRejection(event) {
    var reason = event.reason;
    show(String((reason && reason.message) || reason), 'Reload the page. If this stays, try another browser.');
  }

  // Captured: the error of a script element does not bubble.
  window.addEventListener('error', onError, true);
  window.addEventListener('unhandledrejection', onRejection);
})();
