// A plant for measurements: node plant.js PORT VARIABLES PERIOD_MS TYPE; ns=1;s=v0, v1 ... change together every period.
const path = require("path");
const { OPCUAServer, OPCUACertificateManager, coerceLocalizedText } = require("node-opcua");

const [port, variables, period] = process.argv.slice(2, 5).map(Number);
const type = process.argv[5];
const MOST = 200000;

const values = { Double: (turn, number) => turn + number / 1e6, LocalizedText: (turn, number) => coerceLocalizedText(`${turn}.${number}`) };

async function main() {
  const certificates = new OPCUACertificateManager({
    automaticallyAcceptUnknownCertificate: true,
    rootFolder: path.join(process.env.HOME, "certificates"),
  });
  const server = new OPCUAServer({
    port,
    serverCertificateManager: certificates,
    serverCapabilities: {
      maxMonitoredItems: MOST,
      maxMonitoredItemsPerSubscription: MOST,
      operationLimits: { maxMonitoredItemsPerCall: 5000, maxNodesPerRead: 10000, maxNodesPerBrowse: 1000 },
    },
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  const own = space.getOwnNamespace();
  const folder = own.addFolder(space.rootFolder.objects, { browseName: "Load", nodeId: "s=Load" });
  const nodes = Array.from({ length: variables }, (_, number) =>
    own.addVariable({
      organizedBy: folder,
      browseName: `v${number}`,
      nodeId: `s=v${number}`,
      dataType: type,
      minimumSamplingInterval: 0,
      value: { dataType: type, value: values[type](0, number) },
    }),
  );
  await server.start();
  console.log("ready");
  let turn = 0;
  if (period > 0) {
    setInterval(() => {
      turn += 1;
      nodes.forEach((node, number) => node.setValueFromSource({ dataType: type, value: values[type](turn, number) }));
    }, period);
  }
}

main();
