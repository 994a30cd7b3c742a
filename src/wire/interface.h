/* The published interface descriptions, as text. interface_text is docs/io.reloadd.varlink, put
 * into the program at build time (CMakeLists.txt). */
#pragma once

extern const char interface_text[];

#define INTERFACE_NAME         "io.reloadd"
#define INTERFACE_SERVICE_NAME "org.varlink.service"
