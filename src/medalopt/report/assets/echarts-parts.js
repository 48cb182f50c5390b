// The parts of Apache ECharts that the charts use; docs/how-to/add_a_chart.md says how to build echarts-6.1.0-parts.min.js.
import {init, use} from "echarts/core";
import {BarChart, CustomChart, HeatmapChart, LineChart, SankeyChart, ScatterChart} from "echarts/charts";
import {
  AriaComponent, GraphicComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent,
  MarkPointComponent, TitleComponent, TooltipComponent, VisualMapComponent,
} from "echarts/components";
import {LabelLayout, LegacyGridContainLabel} from "echarts/features";
import {SVGRenderer} from "echarts/renderers";

use([
  BarChart, CustomChart, HeatmapChart, LineChart, SankeyChart, ScatterChart,
  AriaComponent, GraphicComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent,
  MarkPointComponent, TitleComponent, TooltipComponent, VisualMapComponent,
  LabelLayout, LegacyGridContainLabel, SVGRenderer,
]);
globalThis.echarts = {init};
