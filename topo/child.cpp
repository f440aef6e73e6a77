// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/child.hpp"

#include <array>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace sidestep::topo {

Result<Child> fork_child(ChildSide side, const std::function<void(int pipe)>& work) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
    if (side == ChildSide::reads) std::swap(ends[0], ends[1]);
    Fd ours(ends[0]);
    const Fd childs(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return fail_errno("fork");
    if (pid == 0) {
        ours.reset();
        work(childs.get());
        ::_exit(0);
    }
    return Child{.pid = pid, .pipe = std::move(ours)};
}

}  // namespace sidestep::topo
