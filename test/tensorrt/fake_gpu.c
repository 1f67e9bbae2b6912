/* A CUDA driver for tests: one GPU as the environment describes it, "capability|name|CUDA version|driver|DLA cores", or none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *part(int index) {
  const char *text = getenv("FAKE_GPU");
  while (text && index-- > 0) text = strchr(text, '|') ? strchr(text, '|') + 1 : NULL;
  return text;
}

int cuInit(unsigned flags) { return flags ? 1 : part(0) ? 0 : 100; }
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, ordinal ? 101 : 0; }
int cuDriverGetVersion(int *version) { return *version = atoi(part(2)), 0; }
int cuDeviceGetName(char *name, int length, int device) {
  const char *from = part(1);
  int size = (int)strcspn(from, "|");
  if (size >= length || device) return 1;
  memcpy(name, from, size);
  name[size] = 0;
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  const char *capability = part(0);
  *value = attribute == 75 ? atoi(capability) : atoi(strchr(capability, '.') + 1);
  return attribute == 75 || attribute == 76 ? device : 1;
}
int cuDevicePrimaryCtxRetain(void **context, int device) { return *context = (void *)1, device; }
int cuCtxSetCurrent(void *context) { return context ? 0 : 201; }
int cuMemAlloc_v2(uint64_t *pointer, size_t size) { return *pointer = 4096, size ? 0 : 1; }
int cuMemsetD8_v2(uint64_t pointer, unsigned char value, size_t size) { return pointer == 4096 && !value && size ? 0 : 1; }
int cuStreamCreate(void **stream, unsigned flags) { return *stream = (void *)2, (int)flags; }
int cuStreamSynchronize(void *stream) { return stream == (void *)2 ? 0 : 400; }
