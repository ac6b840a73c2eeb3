// Draws the charts of a page, one after the other, from the JSON beside them.
// What is shown on hover is set as text: nothing in it can become an element.
(() => {
  "use strict";
  const tip = document.getElementById("tip");
  const coarse = matchMedia("(pointer: coarse)").matches;
  const config = { displayModeBar: false, responsive: true, showTips: false, locale: "en" };
  const waiting = [...document.querySelectorAll("figure.chart")];

  function place(event) {
    const gap = 14;
    const box = tip.getBoundingClientRect();
    const right = document.documentElement.clientWidth - box.width - 8;
    const below = event.clientY + gap;
    const fits = below + box.height < innerHeight;
    tip.style.left = `${Math.max(8, Math.min(event.clientX + gap, right))}px`;
    tip.style.top = `${fits ? below : Math.max(8, event.clientY - gap - box.height)}px`;
  }

  // One way to color the points of a map; `only` picks out one group, -1 none.
  function traces(points, view, only) {
    const members = view.groups.map(() => []);
    view.of.forEach((group, i) => members[group].push(i));
    const others = view.groups.filter(g => g.color === view.gray && !g.muted);
    const drawn = view.groups.map((group, g) => {
      const gray = only < 0 ? group.color === view.gray : g !== only;
      const rest = only < 0 && others.includes(group);
      return {
        type: "scatter",
        mode: "markers",
        name: rest ? `${others.length} more` : group.label,
        legendgroup: rest ? "rest" : String(g),
        legendrank: gray ? 2000 : 1000,
        showlegend: only < 0 ? !rest || group === others[0] : g === only,
        hoverinfo: "none",
        x: members[g].map(i => points.x[i]),
        y: members[g].map(i => points.y[i]),
        customdata: members[g].map(i => points.says[i]),
        marker: {
          color: gray ? view.gray : only < 0 || group.color !== view.gray ? group.color : view.strong,
          symbol: gray ? "circle" : group.symbol,
          size: gray ? 5 : 8,
          opacity: gray ? 0.45 : 0.85,
        },
      };
    });
    return drawn.sort((a, b) => a.marker.size - b.marker.size);
  }

  function select(words, names, changed) {
    const label = document.createElement("label");
    const chosen = document.createElement("select");
    names.forEach((name, i) => chosen.add(new Option(name, i)));
    chosen.addEventListener("change", () => changed(Number(chosen.value)));
    label.append(`${words} `, chosen);
    return [label, chosen];
  }

  // The selects above a map, and what they do.
  function controls(figure, plot, spec) {
    let view = spec.views[0];
    const redraw = only => Plotly.react(plot, traces(spec.points, view, only), spec.layout, config);
    const [group, picked] = select("Show", [], value => redraw(value));
    const offer = () => {
      const names = view.groups.map(g => g.name);
      picked.replaceChildren(new Option("all", -1), ...names.map((n, i) => new Option(n, i)));
    };
    const [color] = select("Color by", spec.views.map(v => v.name), value => {
      view = spec.views[value];
      offer();
      redraw(-1);
    });
    offer();
    figure.querySelector(".controls").append(color, group);
    if (!coarse) spec.layout.dragmode = "zoom";
    return traces(spec.points, view, -1);
  }

  // Lets a print, which is narrower than the screen, scale the drawing.
  function scalable(plot) {
    for (const svg of plot.querySelectorAll(".main-svg")) {
      const [width, height] = [svg.getAttribute("width"), svg.getAttribute("height")];
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      plot.style.setProperty("--shape", `${width} / ${height}`);
    }
  }

  function draw(figure) {
    const plot = figure.querySelector(".plot");
    const spec = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
    spec.layout.font.family = getComputedStyle(document.body).fontFamily;
    const data = spec.views ? controls(figure, plot, spec) : spec.data;
    Plotly.newPlot(plot, data, spec.layout, config);
    plot.on("plotly_hover", ({ points, event }) => {
      const said = points[0].customdata;
      if (said === undefined || said === null) return;
      tip.textContent = said;
      tip.hidden = false;
      place(event);
    });
    plot.on("plotly_unhover", () => { tip.hidden = true; });
    plot.on("plotly_afterplot", () => scalable(plot));
    scalable(plot);
  }

  function next() {
    if (waiting.length) {
      draw(waiting.shift());
      setTimeout(next);
    } else {
      document.documentElement.dataset.drawn = "all";
    }
  }
  addEventListener("beforeprint", () => { while (waiting.length) draw(waiting.shift()); });
  addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  next();
})();
