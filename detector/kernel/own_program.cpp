// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/own_program.hpp"

#include <bpf/bpf.h>

#include <string_view>

namespace sidestep {

Fd own_program(std::uint32_t id) {
    Fd program(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    std::uint32_t length = sizeof info;
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) return {};
    if (!std::string_view(info.name).starts_with("ss_")) return {};
    return program;
}

std::uint32_t program_id(int program_fd) {
    bpf_prog_info info{};
    std::uint32_t length = sizeof info;
    return bpf_obj_get_info_by_fd(program_fd, &info, &length) == 0 ? info.id : 0;
}

std::string program_name(std::uint32_t id) {
    const Fd program(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    std::uint32_t length = sizeof info;
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) return "?";
    return info.name;
}

}  // namespace sidestep
