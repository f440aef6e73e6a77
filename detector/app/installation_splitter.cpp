// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The splitter of hitless policies. While it cannot be made, their GSO packets are refused and counted.
#include "bpf/lib/portable.h"
#include "detector/app/installation.hpp"
#include "detector/kernel/own_program.hpp"
#include "detector/kernel/seen_programs.hpp"
#include "detector/kernel/splitter.hpp"

namespace sidestep {

/// One that is there is left alone: making it again would ask the kernel for much, and sets come while routing converges.
void Installation::set_splitter(bool wanted) {
    if (splits_ == wanted && !problems_.contains(kSplitter)) return;
    splits_ = wanted;
    if (wanted) return (void)put_splitter();
    problems_.erase(kSplitter);
    SS_WRITE(dataplane_.node().splitter, 0U);
    remove_splitter();
}

Result<void> Installation::put_splitter() {
    problems_.erase(kSplitter);
    const auto made = make_splitter(dataplane_.device_program(), kind_);
    SS_WRITE(dataplane_.node().splitter_exit, static_cast<__u32>(splitter_exit()));
    SS_WRITE(dataplane_.node().splitter, made.value_or(0));
    if (made) return {};
    problems_[kSplitter] = made.error().message;
    return std::unexpected(made.error());
}

Finding Installation::look_at_splitter() {
    auto* asking = rtnl();
    if (asking == nullptr) return {.thing = kSplitter, .fault = {}};
    auto fault = splitter_fault(*asking);
    if (fault.empty() && SS_READ(dataplane_.node().splitter) != splitter_entry()) fault = "is another one";
    if (!fault.empty()) {
        SS_WRITE(dataplane_.node().splitter, 0U);  // what is sent to an interface that is gone is counted nowhere
        return {.thing = kSplitter, .fault = std::move(fault)};
    }
    return find_program(kSplitter, seen_programs(*asking, splitter_exit(), TcSide::ingress, kind_),
                        program_id(dataplane_.device_program()));
}

}  // namespace sidestep
