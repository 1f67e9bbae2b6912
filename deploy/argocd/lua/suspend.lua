-- Suspends the Jobs of this object; their pods end.
obj.spec.suspend = true
return obj
