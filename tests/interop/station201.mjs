// OCPP 2.0.1: argv are endpoint, identity, password, subprotocol, idToken.
import { connect, emit, identity, moment, signal, tag } from "./common.mjs";

const asked = signal();
const transactionId = `${identity}-tx-1`;
const client = await connect({
  GetBaseReport: () => ({ status: "NotSupported" }),
  GetVariables: ({ getVariableData }) => ({
    getVariableResult: getVariableData.map(({ component, variable }) => ({ attributeStatus: "UnknownVariable", component, variable })),
  }),
  RequestStopTransaction: (params) => {
    const ours = params.transactionId === transactionId;
    if (ours) asked.resolve();
    return { status: ours ? "Accepted" : "Rejected" };
  },
});

const idToken = { idToken: tag, type: "ISO14443" };
const event = (eventType, seqNo, triggerReason, minutes, energyWh, powerW, info = {}) =>
  client.call("TransactionEvent", {
    eventType,
    seqNo,
    triggerReason,
    timestamp: moment(minutes),
    transactionInfo: { transactionId, ...info },
    evse: { id: 1, connectorId: 1 },
    ...(eventType === "Updated" ? {} : { idToken }),
    meterValue: [
      {
        timestamp: moment(minutes),
        sampledValue: [
          { value: energyWh, measurand: "Energy.Active.Import.Register", unitOfMeasure: { unit: "Wh" } },
          { value: powerW, measurand: "Power.Active.Import", unitOfMeasure: { unit: "W" } },
        ],
      },
    ],
  });
const status = (connectorStatus) =>
  client.call("StatusNotification", { timestamp: moment(), connectorStatus, evseId: 1, connectorId: 1 });

const chargingStation = { vendorName: "ocpp-rpc", model: "strict" };
emit("booted", await client.call("BootNotification", { reason: "PowerUp", chargingStation }));
await status("Available");
emit("authorized", { status: (await client.call("Authorize", { idToken })).idTokenInfo.status });
await status("Occupied");
const started = await event("Started", 0, "Authorized", -60, 1000, 0, { chargingState: "EVConnected" });
await event("Updated", 1, "ChargingStateChanged", -30, 6500, 11000, { chargingState: "Charging" });
await client.call("Heartbeat", {});
emit("charging", { status: started.idTokenInfo.status, transaction: transactionId });

await asked.promise;
await event("Ended", 2, "RemoteStop", 0, 13345, 0, { stoppedReason: "Remote" });
await status("Available");
emit("stopped", { identity });
await client.close();
