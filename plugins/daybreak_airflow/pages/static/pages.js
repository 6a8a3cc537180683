// The pages work without this: it takes on Airflow's light or dark, and leads from here to Airflow's own pages.
(function () {
  "use strict";
  const root = document.documentElement;

  function above() {
    try {
      return window.parent !== window && window.parent.document ? window.parent : null;
    } catch (refused) {
      return null;
    }
  }

  function theme() {
    const airflow = above();
    const shown = airflow && airflow.document.documentElement.classList;
    if (shown && (shown.contains("dark") || shown.contains("light"))) {
      return shown.contains("dark") ? "dark" : "light";
    }
    let chosen = null;
    try {
      chosen = window.localStorage.getItem("theme");
    } catch (refused) {
      chosen = null;
    }
    if (chosen === "dark" || chosen === "light") {
      return chosen;
    }
    return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  function take() {
    const now = theme();
    root.classList.toggle("dark", now === "dark");
    root.classList.toggle("light", now === "light");
  }

  take();
  window.addEventListener("storage", take);
  const airflow = above();
  if (airflow) {
    new MutationObserver(take).observe(airflow.document.documentElement, { attributeFilter: ["class"] });
  }

  document.addEventListener("click", function (event) {
    const link = event.target.closest("a[data-airflow]");
    const outside = above();
    if (link && outside) {
      event.preventDefault();
      outside.history.pushState({}, "", link.href);
      outside.dispatchEvent(new PopStateEvent("popstate"));
    }
  });
})();
