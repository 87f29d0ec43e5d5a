// OCPP 1.6: argv are endpoint, identity, password, subprotocol, idTag.
import { connect, emit, identity, moment, signal, tag } from "./common.mjs";

const asked = signal();
let transactionId;
const client = await connect({
  GetConfiguration: ({ key }) => ({ configurationKey: [], unknownKey: key ?? [] }),
  RemoteStopTransaction: (params) => {
    const ours = params.transactionId === transactionId;
    if (ours) asked.resolve();
    return { status: ours ? "Accepted" : "Rejected" };
  },
});

const samples = (energyWh, powerW) => ({
  connectorId: 1,
  transactionId,
  meterValue: [
    {
      timestamp: moment(-30),
      sampledValue: [
        { value: String(energyWh), measurand: "Energy.Active.Import.Register", unit: "Wh" },
        { value: String(powerW), measurand: "Power.Active.Import", unit: "W" },
        { value: "61", measurand: "SoC", unit: "Percent" },
      ],
    },
  ],
});
const status = (name) => client.call("StatusNotification", { connectorId: 1, errorCode: "NoError", status: name });

emit("booted", await client.call("BootNotification", { chargePointVendor: "ocpp-rpc", chargePointModel: "strict" }));
await client.call("StatusNotification", { connectorId: 0, errorCode: "NoError", status: "Available" });
await status("Preparing");
emit("authorized", { status: (await client.call("Authorize", { idTag: tag })).idTagInfo.status });
const started = await client.call("StartTransaction", { connectorId: 1, idTag: tag, meterStart: 1000, timestamp: moment(-60) });
transactionId = started.transactionId;
await status("Charging");
await client.call("MeterValues", samples(6500, 11000));
await client.call("Heartbeat", {});
emit("charging", { status: started.idTagInfo.status, transaction: String(transactionId) });

await asked.promise;
const stop = { transactionId, idTag: tag, meterStop: 13345, timestamp: moment(), reason: "Remote" };
await client.call("StopTransaction", stop);
await status("Available");
emit("stopped", { identity });
await client.close();
