// A prebuilt JupyterLab extension, written as the module-federation container that JupyterLab loads:
// it calls init(sharedModules), then get("./mimeExtension"). Plotly itself is loaded when the first figure is shown.
(() => {
  const mimeType = "application/vnd.plotly.v1+json";
  const folder = document.currentScript.src.replace(/[^/]*$/, "");
  let sharedModules;
  let plotly;

  function loadPlotly() {
    plotly ??= new Promise((resolve, reject) => {
      const define = window.define;
      window.define = undefined; // else Plotly registers itself with JupyterLab's AMD loader and not as window.Plotly
      const script = document.createElement("script");
      script.src = `${folder}plotly.js`;
      script.onload = () => {
        window.define = define;
        resolve(window.Plotly);
      };
      script.onerror = () => {
        window.define = define;
        plotly = undefined; // the next figure tries again
        reject(new Error("Plotly could not be loaded; run `npm start` again to repair the renderer."));
      };
      document.head.appendChild(script);
    });
    return plotly;
  }

  /** Lumino's Widget must be JupyterLab's own class, so it comes out of the shared modules. */
  async function sharedWidget() {
    const [newest] = Object.values(sharedModules["@lumino/widgets"]);
    return (await newest.get())().Widget;
  }

  async function mimeExtension() {
    const Widget = await sharedWidget();

    class PlotlyFigure extends Widget {
      constructor() {
        super();
        this.addClass("posttrain-plotly");
        this.node.style.minHeight = "120px";
      }

      async renderModel(model) {
        const { data, layout = {}, config = {} } = model.data[mimeType];
        const Plotly = await loadPlotly();
        // Plotly writes into what it is given, and the model belongs to the notebook document.
        const copy = structuredClone({ data, layout });
        const { width: _fixed, ...fluid } = copy.layout;
        if (!fluid.height) fluid.height = 400;
        await Plotly.react(
          this.node,
          copy.data,
          { ...fluid, autosize: true },
          { responsive: true, displaylogo: false, ...config },
        );
      }

      onResize() {
        if (this.isVisible && this.node.classList.contains("js-plotly-plot"))
          window.Plotly.Plots.resize(this.node);
      }

      onAfterShow() {
        this.onResize();
      }

      dispose() {
        if (!this.isDisposed && window.Plotly) window.Plotly.purge(this.node);
        super.dispose();
      }
    }

    return {
      __esModule: true,
      default: {
        id: "@posttrain/plotly-renderer:factory",
        rendererFactory: { safe: true, mimeTypes: [mimeType], createRenderer: () => new PlotlyFigure() },
        rank: 0,
        dataType: "json",
      },
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["@posttrain/plotly-renderer"] = {
    init(scope) {
      sharedModules = scope;
    },
    async get(name) {
      if (name !== "./mimeExtension") throw new Error(`The Plotly renderer has no module ${name}`);
      const module = await mimeExtension();
      return () => module;
    },
  };
})();
