// Which features of HTML and CSS does a mail use?  Reads a JSON list of documents, writes a
// list of lists of titles.  The package is asked client by client: it throws where its data
// leaves a client out.
import { readFileSync } from "node:fs";
import { caniemail, rawData } from "caniemail";

const clients = Object.entries(rawData.data[0].stats).flatMap(([family, platforms]) =>
  Object.keys(platforms).map((platform) => `${family}.${platform}`),
);

function features(html) {
  const found = new Set();
  for (const client of clients) {
    try {
      const { issues } = caniemail({ clients: [client], html });
      for (const kind of [issues.errors, issues.warnings])
        for (const list of kind.values()) for (const { title } of list) found.add(title);
    } catch {
      // this client is not in its list, or the data has nothing about it
    }
  }
  return [...found].sort();
}

const documents = JSON.parse(readFileSync(0, "utf-8"));
process.stdout.write(JSON.stringify(documents.map(features)));
