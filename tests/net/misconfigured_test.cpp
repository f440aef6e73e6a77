// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Configurations that are valid and wrong: within a few seconds the log, `status` and `sidestep doctor` say why.
#include <filesystem>

#include <gmock/gmock.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;
using testing::Not;

class Misconfigured : public ProtectedLab {
  protected:
    /// Starts sidestepd on A, and waits until its status has a problem with these words.
    testing::AssertionResult reports(const std::string& config, const std::string& words) {
        if (auto launched = launch("A", config); !launched) return launched;
        std::string seen;
        const bool reported = wait_for(kPatience, [&] {
            seen = ask("A", "status").value("problems", json::array()).dump();
            return seen.find(words) != std::string::npos;
        });
        if (!reported) return testing::AssertionFailure() << "problems: " << seen;
        if (daemon("A").process().output().find(words) == std::string::npos)
            return testing::AssertionFailure() << "not in the log: " << daemon("A").process().output();
        return testing::AssertionSuccess();
    }
    std::string doctor(const std::string& options = "") {
        const auto program = std::filesystem::path(Daemon::executable().value()).parent_path() / "sidestep";
        return shell(
            "A", program.string() + " doctor --run-dir " + run_directory("A") + " " + options + "; echo exit code $?");
    }
    /// The state of the policy's candidates, in order.
    std::string states() {
        std::string text;
        const auto answer = ask("A", "policies");
        for (const auto& candidate : answer["policies"][0]["candidates"]) text += candidate.value("state", "?") + " ";
        return text;
    }
    std::string address(const std::string& link) { return lab().interface("A", link).address.to_string(); }
};

TEST_F(Misconfigured, NothingToSayWhereAllIsWell) {
    ASSERT_TRUE(start("A"));
    EXPECT_EQ(states(), "up up ");
    EXPECT_EQ(ask("A", "status")["problems"], json::array());
    ASSERT_TRUE(start("B"));
    ASSERT_TRUE(wait_for(kPatience, [&] { return ask("A", "policies").dump().find("proven") != std::string::npos; }));
    const auto found = doctor();
    EXPECT_THAT(found, HasSubstr("exit code 0"));
    EXPECT_THAT(found, Not(HasSubstr("its backup over A-C"))) << "it is verified all the time";
}

// Its probes are not sent; packets of doctor say what they can.
TEST_F(Misconfigured, ABackupThatIsNotVerified) {
    ASSERT_TRUE(start("A", config("A") + "verify: off\n"));
    ASSERT_TRUE(start("B"));
    EXPECT_THAT(doctor(), HasSubstr("its backup over A-C passes packets of doctor now"));
    EXPECT_THAT(doctor("--quiet"), HasSubstr("its backup over A-C is believed, not proven"));
}

TEST_F(Misconfigured, AWrongNeighbor) {
    const auto neighbor = lab().peer("A", "A-B").link_local.to_string();
    ASSERT_TRUE(reports(with(config("A"), neighbor, "fe80::dead"), "nobody behind to-B answers for fe80::dead"));
    EXPECT_THAT(doctor(), HasSubstr("its neighbor fe80::dead"));
    EXPECT_THAT(doctor(), HasSubstr("exit code 2"));
}

TEST_F(Misconfigured, AReturnAddressOfSomebodyElse) {
    const auto theirs = lab().peer("A", "A-B").address.to_string();
    const auto wrong = with(config("A"), "return-address: \"" + address("A-B"), "return-address: \"" + theirs);
    ASSERT_TRUE(reports(wrong, "return-address " + theirs + " is no address of this node"));
    EXPECT_EQ(states(), "down up ") << "its first candidate was never proven";
    EXPECT_THAT(doctor(), HasSubstr("return-address " + theirs + " is no address of this node"));
}

TEST_F(Misconfigured, SwappedReturnAddresses) {
    auto swapped = with(config("A"), "return-address: \"" + address("A-B"), "return-address: \"X");
    swapped = with(swapped, "return-address: \"" + address("A-C"), "return-address: \"" + address("A-B"));
    swapped = with(swapped, "return-address: \"X", "return-address: \"" + address("A-C"));
    // Each neighbor sends what is for the other link of A over the other neighbor.
    const auto over = [&](const std::string& node, const std::string& to) {
        const auto& port = lab().interface(node, "C-B");
        return shell(node, "ip route add " + to + "/128 via " + lab().peer(node, "C-B").link_local.to_string() +
                               " dev " + port.name + " metric 1");
    };
    ASSERT_EQ(over("B", address("A-C")) + over("C", address("A-B")), "");
    ASSERT_TRUE(reports(swapped, "swapped return addresses?"));
    EXPECT_THAT(doctor(), HasSubstr("swapped?"));
}

TEST_F(Misconfigured, ANeighborThatDoesNotForward) {
    shell("B", "echo 0 > /proc/sys/net/ipv6/conf/all/forwarding");
    ASSERT_TRUE(reports(config("A"), "does not forward IPv6"));
    EXPECT_THAT(doctor(), HasSubstr("does not forward"));
}

// B forwards, and its route leads over C.
TEST_F(Misconfigured, AnswersThatComeByAnotherLink) {
    const auto& port = lab().interface("B", "C-B");
    shell("B", "ip route add " + address("A-B") + "/128 via " + lab().peer("B", "C-B").link_local.to_string() +
                   " dev " + port.name);
    ASSERT_TRUE(launch("A", config("A")));
    ASSERT_TRUE(wait_for(kPatience, [&] { return rejected("A", "wrong-interface") > 100; }));
    EXPECT_THAT(doctor(), HasSubstr("probes of this node came back by other interfaces than their own: " +
                                    lab().peer("A", "A-B").link_local.to_string() + " has a route to " +
                                    address("A-B") + " over another link"));
}

TEST_F(Misconfigured, AForeignSourceAddress) {
    const auto own = lab().graph().node(lab().id_of("A")).loopback.value().to_string();
    ASSERT_TRUE(reports(with(config("A"), own, "fd00:ffff::1"), "source-address fd00:ffff::1 is no address"));
    EXPECT_THAT(doctor(), HasSubstr("source-address fd00:ffff::1"));
}

TEST_F(Misconfigured, AWrongInterface) {
    const auto neighbor = lab().peer("A", "A-B").link_local.to_string();
    ASSERT_TRUE(reports(with(config("A"), "interface: to-B", "interface: to-S"),
                        "nobody behind to-S answers for " + neighbor + ": wrong neighbor or interface"));
    EXPECT_THAT(doctor(), HasSubstr("nobody behind to-S answers"));
}

// The kernel takes IPv6 away, addresses included.
TEST_F(Misconfigured, AnMtuThatIsTooSmallForIpv6) {
    shell("A", "ip link set dev to-C mtu 1200");
    ASSERT_TRUE(reports(config("A"), "IPv6 is off on to-C, or its MTU is below 1280"));
    EXPECT_THAT(doctor(), HasSubstr("error: interface to-C: has an MTU of 1200"));
}

TEST_F(Misconfigured, AnEntranceThatIsNotListed) {
    ASSERT_TRUE(start("A", with(config("A"), "ingress: [to-B, to-C, to-S]", "ingress: []")));
    EXPECT_THAT(doctor("--quiet"), HasSubstr("interface to-S: is neither in `ingress` nor an adjacency's"));
}

TEST_F(Misconfigured, ADuplicateAddress) {
    const auto& port = lab().interface("A", "A-B");
    const auto theirs = lab().peer("A", "A-B").address.to_string();
    shell("A", "echo 1 > /proc/sys/net/ipv6/conf/" + port.name + "/accept_dad");
    shell("A", "ip address add " + theirs + "/64 dev " + port.name);
    ASSERT_TRUE(says("A", "ip address show dev " + port.name, "dadfailed"));
    const auto wrong = with(config("A"), "return-address: \"" + address("A-B"), "return-address: \"" + theirs);
    ASSERT_TRUE(reports(wrong, "return-address " + theirs + " is no address of this node"));
    EXPECT_THAT(doctor(), HasSubstr("another node on " + port.name + " has it, too (dadfailed)"));
}

/// While the link is sound, nothing but a packet can tell what the backup is worth.
class LostBackup : public Misconfigured {
  protected:
    /// Starts both, and asks doctor on A.
    std::string found(const std::string& config_of_b) {
        EXPECT_TRUE(start("A"));
        EXPECT_TRUE(start("B", config_of_b));
        EXPECT_EQ(states(), "up up ");
        return doctor();
    }
};

TEST_F(LostBackup, NoDecapsulationAtTheFarEnd) {
    ASSERT_EQ(shell("B", "ip -6 route del fd00:b:0:6::"), "");
    const auto seen = found(config("B"));
    EXPECT_THAT(seen, HasSubstr("error: policy to-D: its backup over A-C"));
    EXPECT_THAT(seen, HasSubstr("has no route to fd00:b:0:6::")) << "which its own router says";
    EXPECT_THAT(seen, HasSubstr("exit code 2"));
}

TEST_F(LostBackup, AnotherSrDomain) {
    const auto seen = found(config("B") +
                            "sids: [{sid: \"fd00:b:0:6::\", behavior: end.dt6}]\n"
                            "sr-domain: [\"fd77::/16\"]\n");
    EXPECT_THAT(seen, HasSubstr("(sr-domain)"));
    EXPECT_THAT(cli("B", "doctor --quiet"), HasSubstr("no prefix of `sr-domain` has their outer source"));
}

TEST_F(LostBackup, NoRouteToASid) {
    shell("C", "for to in $(ip -6 route show | grep -o '^fd00:b:[^ ]*'); do ip -6 route del $to; done");
    EXPECT_THAT(found(config("B")),
                testing::ContainsRegex("error: policy to-D: its backup over A-C .* has no route to fd00:b:0:6::"))
        << "as the router says itself";
}

// It decapsulates, and its route leads back.
TEST_F(LostBackup, AnEndThatSendsBack) {
    const auto back = lab().peer("C", "A-C").link_local.to_string();
    shell("C",
          "for to in $(ip -6 route show | grep -o '^2001:db8:d:[^ ]*'); do ip -6 route del $to; done; "
          "ip -6 route add 2001:db8:d::/48 via " +
              back + " dev to-A");
    EXPECT_TRUE(start("A", with(config("A"), "\"fd00:c:0:1::\", \"fd00:b:0:6::\"", "\"fd00:c:0:6::\"")));
    EXPECT_THAT(doctor(), HasSubstr("comes back to this node"));
}

TEST_F(LostBackup, ASmallerLinkBehindTheFirst) {
    shell("C", "ip link set dev to-B mtu 1400");
    EXPECT_THAT(found(config("B")),
                testing::ContainsRegex(
                    "passes small packets and none of [0-9]* bytes: a link behind A-C has room for [0-9]* only"));
}

class LostV4Backup : public LostBackup {
  protected:
    [[nodiscard]] std::string topology() const override { return SIDESTEP_NET_TESTS "/dual_stack.yaml"; }
    std::string found_with(const std::string& behavior) {
        return found(config("B") + "sids: [{sid: \"fd00:b:0:6::\", behavior: " + behavior +
                     "}]\nsr-domain: [\"fd00::/16\"]\n");
    }
};

TEST_F(LostV4Backup, AnEndThatTakesIpv6Only) {
    EXPECT_THAT(found_with("end.dt6"),
                testing::ContainsRegex("passes IPv6 packets of doctor, and no IPv4 one came back: "
                                       "fd00:b:0:6:: does not take IPv4"));
}

TEST_F(LostV4Backup, AnEndThatTakesBoth) {
    const auto seen = found_with("end.dt46");
    EXPECT_THAT(seen, HasSubstr("exit code 0"));
    EXPECT_THAT(seen, Not(HasSubstr("IPv4")));
}

TEST_F(Misconfigured, DoctorLooksBeforeTheFirstStart) {
    const auto file = lab().directory() + "/before.yaml";
    shell("A", "cat > " + file + " <<'END'\n" + config("A") + "END\n");
    EXPECT_THAT(doctor("--config " + file), HasSubstr("no sidestepd runs"));
    shell("A", "echo 0 > /proc/sys/net/ipv6/conf/all/forwarding; ip link set dev to-C down");
    const auto found = doctor("--config " + file);
    EXPECT_THAT(found, HasSubstr("sysctl -w net.ipv6.conf.all.forwarding=1"));
    EXPECT_THAT(found, HasSubstr("ip link set dev to-C up"));
    EXPECT_THAT(found, HasSubstr("exit code 2"));
    EXPECT_THAT(doctor("--json --config " + file), HasSubstr("\"severity\": \"error\""));
}

}  // namespace
}  // namespace sidestep::topo
