-- Health of an ExportDeviceClass: Healthy if engines can be built for it.
-- Nodes come and go, so a class without nodes is Healthy.
local health = { status = "Progressing", message = "waiting for the operator" }
local status = obj.status
if status == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end
local found = {}
for _, condition in ipairs(status.conditions or {}) do
  found[condition.type] = condition
end
if found.Stalled ~= nil and found.Stalled.status == "True" then
  health.status = "Degraded"
  health.message = found.Stalled.reason .. ": " .. found.Stalled.message
elseif found.Ready ~= nil and found.Ready.status == "True" then
  health.status = "Healthy"
  health.message = found.Ready.message
  if found.HardwareAvailable ~= nil then
    health.message = found.HardwareAvailable.message
  end
end
return health
