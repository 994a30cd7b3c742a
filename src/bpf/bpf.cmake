# The programs for the kernel: compiled by clang, and embedded as a skeleton (bpftool gen skeleton).
# Without clang, bpftool or libbpf everything else is built as ever, and os/polite_absent.c says so.

option(RELOADD_BPF "Build the BPF programs where clang, bpftool and libbpf are there" ON)

find_program(BPF_CLANG clang)
find_program(BPF_TOOL bpftool PATHS /usr/sbin /sbin)
pkg_check_modules(BPF IMPORTED_TARGET libbpf>=1.0)

if(RELOADD_BPF AND BPF_CLANG AND BPF_TOOL AND BPF_FOUND)
    set(RELOADD_HAS_BPF TRUE)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/bpf/polite.bpf.o)
    set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/bpf/polite.skel.h)
    add_custom_command(
        OUTPUT ${skeleton}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/bpf
        # The headers of the host's architecture: clang's target bpf has none of its own.
        COMMAND ${BPF_CLANG} -O2 -g -target bpf -Wall -Wextra
                -I ${CMAKE_SOURCE_DIR}/src -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
                -c ${CMAKE_SOURCE_DIR}/src/bpf/polite.bpf.c -o ${object}
        COMMAND ${BPF_TOOL} gen skeleton ${object} name polite_bpf > ${skeleton}
        DEPENDS ${CMAKE_SOURCE_DIR}/src/bpf/polite.bpf.c ${CMAKE_SOURCE_DIR}/src/bpf/polite_head.h
                ${CMAKE_SOURCE_DIR}/src/bpf/polite_state.h
        COMMENT "BPF: polite.bpf.c" VERBATIM)
    target_sources(os_room PRIVATE ${skeleton})
    target_include_directories(os_room SYSTEM PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
    target_link_libraries(os_room PUBLIC PkgConfig::BPF)
    set(absent os/polite_absent.c)
else()
    message(STATUS "no clang, bpftool or libbpf: drains will not be polite")
    set(absent os/polite.c os/polite_cover.c os/polite_load.c os/polite_rescue.c
        os/polite_walk.c)
endif()

get_target_property(sources os_room SOURCES)
foreach(source ${absent})
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/src/${source})
endforeach()
set_target_properties(os_room PROPERTIES SOURCES "${sources}")
