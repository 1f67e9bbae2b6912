-- Actions on a ModelExport or CalibrationTensorfile.
-- What would change nothing at present is disabled.
local is_ready = false
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.type == "Ready" then
    is_ready = condition.status == "True"
  end
end
local is_suspended = obj.spec.suspend == true
return {
  ["retry"] = { ["disabled"] = is_ready or is_suspended },
  ["suspend"] = { ["disabled"] = is_ready or is_suspended },
  ["resume"] = { ["disabled"] = not is_suspended },
}
