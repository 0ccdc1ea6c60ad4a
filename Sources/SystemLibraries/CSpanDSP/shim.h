#ifndef CSPANDSP_SHIM_H
#define CSPANDSP_SHIM_H
#include <spandsp.h>
#endif
