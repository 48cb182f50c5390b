"use strict";
// Draws every chart of the page from the plain data beside it; without this, a picture of each chart stands there.
const drawn = [];
const numbered = (value) => value.toLocaleString("en-US", {maximumFractionDigits: 9}).replace("-", "\u2212");
for (const place of document.querySelectorAll(".chart")) {
  const option = JSON.parse(document.getElementById(place.dataset.option).textContent);
  place.replaceChildren();
  if (place.clientWidth < 520 && option.yAxis?.data) { // names at the side take less of a narrow screen
    option.yAxis.axisLabel = {...option.yAxis.axisLabel, fontSize: 10, lineHeight: 12, width: 140, overflow: "break"};
  }
  for (const axis of [option.xAxis, option.yAxis]) { // numbers with the minus sign, as in texts and tables
    if (axis?.type === "value") axis.axisLabel = {formatter: numbered, ...axis.axisLabel};
  }
  const chart = echarts.init(place, null, {renderer: "svg"});
  chart.setOption(option);
  drawn.push(chart);
}
const fitted = () => { for (const chart of drawn) chart.resize(); };
addEventListener("resize", fitted);
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("article details")) details.open = true;
  fitted();
});
