// Writes the dashboard as TypeScript with the types that Grafana publishes, so that the
// compiler finds fields and values that Grafana does not know:
//
//	node dashboard.mjs dashboard.json >check.ts
import { readFileSync } from "node:fs";

const { panels, templating, annotations, ...rest } = JSON.parse(readFileSync(process.argv[2]));
const options = (kind) => `import("./node_modules/@grafana/schema/dist/esm/raw/composable/${kind.toLowerCase()}/panelcfg/x/${kind}PanelCfg_types.gen")`;
const types = {
	row: "Known<RowPanel>",
	stat: `KnownPanel<${options("Stat")}.Options>`,
	timeseries: `KnownPanel<${options("TimeSeries")}.Options, GraphFieldConfig>`,
	heatmap: `KnownPanel<${options("Heatmap")}.Options, ${options("Heatmap")}.FieldConfig>`,
	table: `KnownPanel<${options("Table")}.Options, Partial<TableFieldOptions>>`,
};

console.log(`import type { AnnotationQuery, Dashboard, GraphFieldConfig, Panel, RowPanel, TableFieldOptions, VariableModel } from "@grafana/schema";
// Enumerations are plain strings in JSON.
type Known<T> = unknown extends T ? T : T extends string ? \`\${T}\` : T extends (infer U)[] ? Known<U>[] : T extends object ? { [K in keyof T]: Known<T[K]> } : T;
// Queries have the data source's types, and options have defaults.
type KnownPanel<O, F = unknown> = Known<Omit<Panel<O, F>, "targets" | "options"> & { targets: Record<string, unknown>[]; options: Partial<O> }>;`);

let n = 0;
const declare = (type, value) => console.log(`export const c${n++}: ${type} = ${JSON.stringify(value, null, 1)};`);
declare(`Known<Omit<Dashboard, "panels" | "templating" | "annotations">>`, rest);
for (const panel of panels) declare(types[panel.type] ?? `"a type of panel that .ci/dashboard.mjs does not know"`, panel);
// The removed fields have the data source's types, too.
for (const { definition, ...variable } of templating.list) declare("Known<VariableModel>", variable);
for (const { expr, step, titleFormat, textFormat, ...annotation } of annotations.list) declare("Known<AnnotationQuery>", annotation);
