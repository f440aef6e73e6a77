// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/net/bfd/bfd_lab.hpp"

#include <fmt/format.h>

namespace sidestep::topo {

void BfdLab::SetUp() {
    if (const auto reason = FrrNode::missing(); !reason.empty()) GTEST_SKIP() << reason;
    ASSERT_NO_FATAL_FAILURE(ProtectedLab::SetUp());
    frr_ = std::make_unique<FrrNode>(lab(), "A");
}

void BfdLab::TearDown() {
    if (HasFailure() && frr_) GTEST_LOG_(INFO) << frr_->log("bfdd");
    frr_.reset();
    ProtectedLab::TearDown();
}

testing::AssertionResult BfdLab::start_bfdd(const std::string& peers) {
    if (auto zebra = frr_->start("zebra", ""); !zebra) return testing::AssertionFailure() << zebra.error().message;
    auto bfdd = frr_->start("bfdd", "debug bfd peer\nbfd\n" + peers + "exit\n");
    if (!bfdd) return testing::AssertionFailure() << bfdd.error().message;
    return testing::AssertionSuccess();
}

std::string BfdLab::bfd_config() const {
    return config("A") + fmt::format("bfd: {{frr: \"unix:{}\"}}\n", frr_->dplane());
}

std::string BfdLab::neighbor_peer() const {
    return fmt::format(" peer {} interface {}\n  transmit-interval 10\n  receive-interval 10\n exit\n", neighbor(),
                       lab().interface("A", "A-B").name);
}

testing::AssertionResult BfdLab::bfdd_says(const std::string& peer, const std::string& status) {
    json seen;
    const bool came = wait_for(kPatience, [&] {
        seen = frr_->vtysh_json("bfdd", "show bfd peers json");
        for (const auto& one : seen) {
            if (one.value("peer", "") == peer && one.value("status", "") == status) return true;
        }
        return false;
    });
    if (came) return testing::AssertionSuccess();
    return testing::AssertionFailure() << peer << " is not " << status << ": " << seen.dump();
}

std::size_t BfdLab::flaps() const {
    const auto log = frr_->log("bfdd");
    std::size_t count = 0;
    for (auto at = log.find("up -> down"); at != std::string::npos; at = log.find("up -> down", at + 1)) ++count;
    return count;
}

std::string BfdLab::sidestep(const std::string& arguments) {
    const auto program = Daemon::executable();
    EXPECT_TRUE(program);
    if (!program) return "";
    const auto folder = program->substr(0, program->rfind('/'));
    return shell("A", fmt::format("{}/sidestep --socket {}/A.sock {}", folder, run_directory("A"), arguments));
}

}  // namespace sidestep::topo
