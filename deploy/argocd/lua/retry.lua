-- Requests another attempt at everything that failed.
-- The token only has to differ from the one before.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["export.tlt.dev/requested-at"] = "argocd-" .. os.time()
return obj
