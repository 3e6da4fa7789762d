// Written by Reachable. An extension of JupyterLab and Notebook 7, and one of the classic notebook: it brings the style for fingers,
// and what a page needs on the Home Screen. Whatever fails in here, the page comes up without it.
(function () {
  "use strict";

  const NAME = "@reachable/touch";
  const RENAME = "reachable:rename";
  const HEAD = [
    ["link", { rel: "stylesheet", href: "/static/reachable/touch.css" }],
    ["link", { rel: "manifest", href: "/static/reachable/manifest.webmanifest" }],
    ["link", { rel: "apple-touch-icon", sizes: "180x180", href: "/static/reachable/icon.png" }],
    ["meta", { name: "apple-mobile-web-app-capable", content: "yes" }],
    ["meta", { name: "apple-mobile-web-app-title", content: "Jupyter" }],
    ["meta", { name: "mobile-web-app-capable", content: "yes" }],
  ];

  function furnish() {
    for (const [kind, attributes] of HEAD) {
      const element = document.createElement(kind);
      for (const [name, value] of Object.entries(attributes)) {
        element.setAttribute(name, value);
      }
      document.head.append(element);
    }
  }

  // What the button for renaming does. JupyterLab's own command shows a field at once, and then the button that was tapped takes
  // the focus from it, which ends the renaming (seen in 4.5.11). A microtask comes after that, and still counts as the tap
  // itself, without which iPadOS shows no keyboard.
  function addRename(app) {
    const theirs = "filebrowser:rename";
    app.commands.addCommand(RENAME, {
      label: () => app.commands.label(theirs),
      icon: () => app.commands.icon(theirs),
      isVisible: () => app.commands.isVisible(theirs),
      execute: async () => {
        await null;
        return app.commands.execute(theirs);
      },
    });
  }

  // A button looks anew whether it is to be seen when its command says that something has changed. The one for renaming
  // depends on what is marked.
  function followSelection(app) {
    const notify = () => app.commands.notifyCommandChanged(RENAME);
    for (const area of ["left", "right"]) {
      for (const widget of app.shell.widgets(area)) {
        if (widget.selectedItems && widget.selectionChanged) {
          widget.selectionChanged.connect(notify);
          widget.model.pathChanged.connect(notify);
        }
      }
    }
  }

  const plugin = {
    id: NAME + ":plugin",
    description: "Reachable's style for fingers.",
    autoStart: true,
    activate: (app) => {
      furnish();
      addRename(app);
      app.restored.then(() => followSelection(app)).catch((error) => console.warn(NAME, error));
    },
  };

  if (document.getElementById("jupyter-config-data")) {
    window._JUPYTERLAB = window._JUPYTERLAB || {};
    window._JUPYTERLAB[NAME] = { init: () => undefined, get: async () => () => ({ __esModule: true, default: plugin }) };
  } else {
    define([], () => ({ load_ipython_extension: furnish }));
  }
})();
