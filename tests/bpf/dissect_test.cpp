// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Has another implementation read the packets that leave the data plane: tshark finds every header, every checksum
// right, and no error.
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/bpf/probing.hpp"
#include "tests/bpf/repairing.hpp"

namespace sidestep {
namespace {

/// What tshark reports of one packet.
struct Dissected {
    std::string protocols;
    std::string complaints;
    std::string segments_left;
    std::string tags;
    std::string last_entries;
};

class Dissect : public Repairing {
  protected:
    void SetUp() override {
        Repairing::SetUp();
        if (IsSkipped()) return;
        if (std::system("tshark --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "tshark is not installed";
        folder_ = std::filesystem::temp_directory_path() / ("sidestep-dissect-" + std::to_string(getpid()));
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override {
        std::error_code ignored;
        if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
    }

    // A datagram or segment with the right checksum, including its pseudo-header.
    static Bytes finished(Bytes whole) {
        const bool v4 = whole.at(kEthernetLength) >> 4 == 4;
        const auto at = kEthernetLength + (v4 ? kIpv4Length : kIpv6Length);
        const auto protocol = whole.at(kEthernetLength + (v4 ? 9 : 6));
        const auto addresses = std::span(whole).subspan(kEthernetLength + (v4 ? 12 : 8), v4 ? 8 : 32);
        auto sum = static_cast<std::uint32_t>(whole.size() - at + protocol);
        for (std::size_t i = 0; i < addresses.size(); i += 2) sum += read_u16(addresses, i);
        const auto checksum = internet_checksum(std::span(whole).subspan(at), sum);
        const auto field = at + (protocol == kTcp ? 16 : 6);
        whole[field] = static_cast<std::uint8_t>(checksum >> 8);
        whole[field + 1] = static_cast<std::uint8_t>(checksum);
        return whole;
    }
    static Bytes v6(std::size_t length = 100) {
        return finished(packet(Ipv6{.traffic_class = 0xb9}, udp(5, 6, length)));
    }
    static Bytes v4(std::size_t length = 100) {
        return finished(packet(Ipv4{.tos = 0xb9, .protocol = kTcp}, tcp(5, 6, length)));
    }

    std::vector<Dissected> dissect(const std::vector<Bytes>& packets) {
        const auto file = folder_ / "packets.pcap";
        write_pcap(file, packets);
        const auto text = output_of(
            "tshark -n -r " + file.string() +
            " -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -o tcp.check_checksum:TRUE -o "
            "tcp.analyze_sequence_numbers:FALSE -T fields -E separator='|' -E occurrence=a -e frame.protocols -e "
            "_ws.expert.message -e ipv6.routing.segleft -e ipv6.routing.srh.tag -e ipv6.routing.srh.last_entry "
            "-e _ws.malformed 2>/dev/null");
        std::vector<Dissected> result;
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            std::array<std::string, 6> fields;
            std::istringstream rest(line);
            for (auto& field : fields) std::getline(rest, field, '|');
            result.push_back({fields[0], fields[1] + fields[5], fields[2], fields[3], fields[4]});
        }
        EXPECT_EQ(result.size(), packets.size()) << text;
        result.resize(packets.size());
        return result;
    }

    static void write_pcap(const std::filesystem::path& path, const std::vector<Bytes>& packets) {
        std::ofstream file(path, std::ios::binary);
        const auto u32 = [&](std::uint32_t value) { file.write(reinterpret_cast<const char*>(&value), sizeof value); };
        for (const std::uint32_t word : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, 1U}) u32(word);
        for (const auto& bytes : packets) {
            const auto size = static_cast<std::uint32_t>(bytes.size());
            for (const std::uint32_t word : {1U, 0U, size, size}) u32(word);
            file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(size));
        }
    }

    static std::string output_of(const std::string& command) {
        std::string text;
        std::array<char, 4096> buffer{};
        FILE* pipe = popen(command.c_str(), "r");
        while (pipe != nullptr && std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) text += buffer.data();
        if (pipe != nullptr) pclose(pipe);
        return text;
    }

    std::filesystem::path folder_;
};

// tshark does find errors.
TEST_F(Dissect, TsharkComplainsOfWhatIsWrong) {
    auto bad_checksum = v4();
    bad_checksum[kEthernetLength + 10] ^= 1;
    auto bad_srh = packet(Ipv6{.next_header = kRouting}, srh(kUdp, segments(2), 1) + udp(1, 2, 3));
    bad_srh[kEthernetLength + kIpv6Length + 1] = 0x40;
    for (const auto& result : dissect({bad_checksum, bad_srh})) EXPECT_NE(result.complaints, "");
    EXPECT_EQ(dissect({v6()})[0].complaints, "");
}

TEST_F(Dissect, Encapsulation) {
    struct Case {
        unsigned count;
        bool reduced;
        bool v4;
    };
    std::vector<Case> cases;
    std::vector<Bytes> packets;
    for (const unsigned count : {1U, 2U, 3U, 5U, programs_.most_segments()}) {
        for (const bool reduced : {false, true}) {
            for (const bool is_v4 : {false, true}) {
                back_up(encaps_list(kBackup, count, reduced));
                cases.push_back({count, reduced, is_v4});
                packets.push_back(repaired(is_v4 ? v4() : v6()));
            }
        }
    }
    const auto results = dissect(packets);
    for (std::size_t i = 0; i < results.size(); ++i) {
        const auto& [count, reduced, is_v4] = cases[i];
        SCOPED_TRACE(testing::Message() << count << " segments, reduced " << reduced << ", IPv4 " << is_v4);
        const bool has_srh = count > 1 || !reduced;
        EXPECT_EQ(results[i].complaints, "");
        EXPECT_EQ(results[i].protocols, std::string("eth:ethertype:ipv6:") + (has_srh ? "ipv6.routing:" : "") +
                                            (is_v4 ? "ip:tcp:data" : "ipv6:udp:data"));
        EXPECT_EQ(results[i].segments_left, has_srh ? std::to_string(count - 1) : "");
        EXPECT_EQ(results[i].last_entries, has_srh ? std::to_string(count - (reduced ? 2 : 1)) : "");
        EXPECT_EQ(results[i].tags, has_srh ? "5d01" : "");
    }
}

// The checksum of the upper layer includes the last segment, which is the packet's own destination.
TEST_F(Dissect, Insertion) {
    std::vector<Bytes> packets;
    for (const unsigned count : {1U, 2U, programs_.most_segments() - 1}) {
        back_up(insert_list(kBackup, count));
        packets.push_back(repaired(v6()));
    }
    for (const auto& result : dissect(packets)) {
        EXPECT_EQ(result.complaints, "");
        EXPECT_EQ(result.protocols, "eth:ethertype:ipv6:ipv6.routing:udp:data");
        EXPECT_EQ(result.tags, "5d01");
    }
}

TEST_F(Dissect, Forwarding) {
    back_up(forward_list(kBackup));
    const auto results = dissect({repaired(v6()), repaired(v4())});
    EXPECT_EQ(results[0].complaints, "");
    EXPECT_EQ(results[0].protocols, "eth:ethertype:ipv6:udp:data");
    EXPECT_EQ(results[1].complaints, "");
    EXPECT_EQ(results[1].protocols, "eth:ethertype:ip:tcp:data");
}

// Only datagrams, because tshark verifies TCP checksums even of partial quotes.
TEST_F(Dissect, AnswersToSenders) {
    back_up(encaps_list(kBackup, 2));
    programs_.lists[1].mtu = 1500;
    const auto datagram = finished(packet(Ipv4{}, udp(5, 6, 1440)));
    const auto results = dissect({programs_.ingress(v6(1440)).packet, programs_.ingress(datagram).packet});
    EXPECT_EQ(results[0].complaints, "");
    EXPECT_EQ(results[0].protocols, "eth:ethertype:ipv6:icmpv6:ipv6:udp:data");
    EXPECT_EQ(results[1].complaints, "");
    EXPECT_EQ(results[1].protocols, "eth:ethertype:ip:icmp:ip:udp:data");
}

// A padded probe, and one that is encapsulated as data.
TEST_F(Dissect, Probes) {
    std::vector<Bytes> packets;
    const auto list = segments(2);
    for (const auto& way :
         {ProbePath{}, ProbePath{.encaps = list, .back = {}}, ProbePath{.encaps = {}, .back = list}}) {
        for (const std::size_t size : {0, 1400}) {
            const auto probe = make_probe(kLink, own_source(), address("2001:db8:ab::a"), way, 3, size);
            auto bytes = probe.bytes;
            ss_stamp stamp{};
            std::memcpy(&stamp, bytes.data() + probe.udp_offset + 8, sizeof stamp);
            const auto check = ss_stamp_fill(&stamp, &programs_.secret, 7, 1'000'000'007, probe.checksum);
            std::memcpy(bytes.data() + probe.udp_offset + 6, &check, sizeof check);
            std::memcpy(bytes.data() + probe.udp_offset + 8, &stamp, sizeof stamp);
            bytes.resize(probe.length);
            packets.push_back(bytes);
        }
    }
    for (const auto& result : dissect(packets)) {
        EXPECT_EQ(result.complaints, "");
        EXPECT_NE(result.protocols.find(":udp:"), std::string::npos) << result.protocols;
    }
}

}  // namespace
}  // namespace sidestep
