-- Health of a ModelExport or CalibrationTensorfile.
-- Healthy only if everything that the current spec asks for is stored.
local health = { status = "Progressing", message = "waiting for the operator" }
local status = obj.status
if obj.metadata.deletionTimestamp ~= nil then
  health.message = "being deleted"
  return health
end
if status == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end
local found = {}
for _, condition in ipairs(status.conditions or {}) do
  found[condition.type] = condition
end
if found.Ready == nil or found.Stalled == nil then
  return health
end
health.message = found.Ready.reason .. ": " .. found.Ready.message
-- A request is an annotation, which does not change the generation.
-- Status has the digest of a token of more than 128 characters.
local request = (obj.metadata.annotations or {})["export.tlt.dev/requested-at"] or ""
local is_handled = request == "" or request == status.lastHandledRequest or #request > 128
if found.Ready.status == "True" then
  health.status = "Healthy"
elseif not is_handled then
  health.message = "another attempt was requested"
elseif found.Stalled.status == "True" then
  health.status = "Degraded"
elseif found.Ready.reason == "Suspended" then
  health.status = "Suspended"
end
return health
