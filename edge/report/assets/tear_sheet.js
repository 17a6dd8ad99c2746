// Hover read-out of the line charts. The curves are read back from the paths that are already on the page; without
// scripts the page loses nothing else.
"use strict";
for (const plot of document.querySelectorAll(".plot")) {
  const svg = plot.querySelector("svg");
  const paths = [...plot.querySelectorAll("path.line[data-name]")].filter((p) => p.dataset.name);
  if (paths.length === 0) continue;
  const [x0, x1, y0, y1] = ["x0", "x1", "y0", "y1"].map((k) => Number(svg.dataset[k]));
  const hair = plot.appendChild(Object.assign(document.createElement("div"), { className: "hair", hidden: true }));
  const tip = plot.appendChild(Object.assign(document.createElement("div"), { className: "tip", hidden: true }));
  let curves = null;

  const read = (path) => {
    const n = path.getAttribute("d").slice(1).split(/[L ]/).map(Number);
    const points = [];
    for (let i = 0; i + 1 < n.length; i += 2) points.push([n[i], n[i + 1]]);
    return { name: path.dataset.name, points };
  };
  const nearest = (points, x) => {
    let low = 0, high = points.length - 1;
    while (high - low > 1) {
      const mid = (low + high) >> 1;
      if (points[mid][0] < x) low = mid; else high = mid;
    }
    return x - points[low][0] < points[high][0] - x ? points[low] : points[high];
  };
  const text = (value) =>
    svg.dataset.format === "percent"
      ? (value * 100).toFixed(2) + " %"
      : value.toLocaleString("en", { maximumSignificantDigits: 6 });

  plot.addEventListener("pointermove", (event) => {
    curves ??= paths.map(read);
    const box = plot.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const time = new Date(x0 + share * (x1 - x0)).toISOString().slice(0, 16).replace("T", " ");
    tip.replaceChildren(time + " UTC");
    for (const { name, points } of curves) {
      const y = nearest(points, share * 2000)[1];
      tip.append(document.createElement("br"), name + " ≈ " + text(y0 + (1 - y / 1000) * (y1 - y0)));
    }
    hair.hidden = tip.hidden = false;
    hair.style.left = share * 100 + "%";
    tip.style.left = share < 0.5 ? `calc(${share * 100}% + 10px)` : "auto";
    tip.style.right = share < 0.5 ? "auto" : `calc(${(1 - share) * 100}% + 10px)`;
  });
  plot.addEventListener("pointerleave", () => { hair.hidden = tip.hidden = true; });
}
