// The chart library and its style sheet: one lazy chunk.
import 'uplot/dist/uPlot.min.css';

export { default } from 'uplot';
