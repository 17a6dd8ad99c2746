#include "edge/store/journal_file.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <set>

#include "core/base/hash.hpp"
#include "core/base/rng.hpp"
#include "edge/store/journal_format.hpp"

namespace qtrader::store {
namespace {

namespace fs = std::filesystem;
using base::Errc;

class JournalFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "qt-journal-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    dir_ = root_ / "journal";
  }
  void TearDown() override { fs::remove_all(root_); }

  fs::path segment(std::uint32_t n) const { return dir_ / segment_name(n); }

  fs::path root_, dir_;
};

/// Frame i of a reproducible journal: sizes from 0 to 60 bytes, all kinds, uneven times.
struct Sample {
  explicit Sample(std::uint64_t i) {
    base::Rng rng = base::Rng(7).fork(std::to_string(i));
    payload.resize(rng.below(61));
    for (auto& b : payload) b = static_cast<std::byte>(rng.below(256));
    frame.kind = static_cast<kernel::FrameKind>(rng.below(4));
    frame.seq = i / 2 + 1;
    frame.ts = {static_cast<std::int64_t>(rng.below(1'000'000'000))};
    frame.payload = payload;
  }
  base::Bytes payload;
  kernel::Frame frame;
};

constexpr JournalOptions kSmall{.segment_bytes = 400, .buffer_bytes = 100, .fsync = false};

void append_all(JournalWriter& writer, std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto appended = writer.append(Sample(i).frame);
    ASSERT_TRUE(appended.ok()) << i << ' ' << appended.error().message();
  }
  ASSERT_TRUE(writer.sync().ok());
}

std::uint64_t write_journal(const fs::path& dir, std::uint64_t n, JournalOptions options = kSmall) {
  auto writer = JournalWriter::create(dir, options);
  EXPECT_TRUE(writer.ok()) << writer.error().message();
  append_all(**writer, n);
  return (*writer)->digest();
}

struct ReadBack {
  std::uint64_t frames = 0, digest = 0;
  bool torn = false;
  std::optional<base::Error> error;
};

/// Reads everything and checks that what is read is the prefix of the reproducible journal.
ReadBack read_back(const fs::path& dir) {
  ReadBack out;
  auto reader = JournalReader::open(dir);
  if (!reader) {
    out.error = reader.error();
    return out;
  }
  for (;;) {
    auto next = reader->next();
    if (!next) {
      out.error = next.error();
      return out;
    }
    if (!*next) break;
    const StoredFrame& got = **next;
    const Sample want(out.frames);
    EXPECT_EQ(got.index, out.frames);
    EXPECT_EQ(got.frame.kind, want.frame.kind);
    EXPECT_EQ(got.frame.seq, want.frame.seq);
    EXPECT_EQ(got.frame.ts, want.frame.ts);
    EXPECT_TRUE(std::ranges::equal(got.frame.payload, want.payload));
    out.digest = got.digest;
    ++out.frames;
  }
  out.torn = reader->torn();
  return out;
}

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void spit(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// All segments' bytes, by name.
std::map<std::string, std::string> contents(const fs::path& dir) {
  std::map<std::string, std::string> out;
  for (const auto& e : fs::directory_iterator(dir)) out[e.path().filename()] = slurp(e.path());
  return out;
}

TEST_F(JournalFile, RoundTripsAcrossSegments) {
  const std::uint64_t digest = write_journal(dir_, 200);
  EXPECT_GT(contents(dir_).size(), 5u);
  for (const auto& [name, bytes] : contents(dir_)) EXPECT_LE(bytes.size(), kSmall.segment_bytes) << name;
  const ReadBack back = read_back(dir_);
  EXPECT_FALSE(back.error);
  EXPECT_EQ(back.frames, 200u);
  EXPECT_EQ(back.digest, digest);
  EXPECT_FALSE(back.torn);
}

TEST_F(JournalFile, DigestIsTheKernelsAndIndependentOfSegmentAndBufferSizes) {
  kernel::Digest expected;
  for (std::uint64_t i = 0; i < 50; ++i) expected.add(Sample(i).frame);
  EXPECT_EQ(write_journal(dir_, 50), expected.value());
  EXPECT_EQ(write_journal(root_ / "other", 50, {.segment_bytes = 1 << 20, .buffer_bytes = 1 << 16}), expected.value());
  EXPECT_EQ(contents(root_ / "other").size(), 1u);
}

TEST_F(JournalFile, DigestCoversKindSeqTimeAndPayload) {
  const Sample s(3);
  std::vector<kernel::Frame> variants(5, s.frame);
  variants[1].kind = s.frame.kind == kernel::FrameKind::End ? kernel::FrameKind::Input : kernel::FrameKind::End;
  variants[2].seq ^= 1;
  variants[3].ts.ns ^= 1;
  base::Bytes other = s.payload;
  other.push_back(std::byte{0});
  variants[4].payload = other;
  std::set<std::uint64_t> seen;
  for (const auto& frame : variants) {
    kernel::Digest d;
    d.add(frame);
    seen.insert(d.value());
  }
  kernel::Frame both = s.frame;  // must not cancel
  both.seq ^= 1;
  both.ts.ns ^= 1;
  kernel::Digest d;
  d.add(both);
  seen.insert(d.value());
  EXPECT_EQ(seen.size(), 6u);
}

TEST_F(JournalFile, FramesLargerThanBufferAndSegmentRoundTrip) {
  base::Bytes big(5000, std::byte{7});
  {
    auto writer = JournalWriter::create(dir_, kSmall);
    ASSERT_TRUE(writer.ok());
    for (std::uint64_t seq = 1; seq <= 3; ++seq)
      ASSERT_TRUE((*writer)->append({kernel::FrameKind::Input, seq, {0}, big}).ok());
    const base::Bytes absurd(kMaxPayloadBytes + 1);
    const auto refused = (*writer)->append({kernel::FrameKind::Input, 4, {0}, absurd});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Errc::InvalidArgument);
  }
  auto reader = JournalReader::open(dir_);
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    auto next = reader->next();
    ASSERT_TRUE(next.ok() && next->has_value());
    EXPECT_EQ((*next)->frame.payload.size(), big.size());
  }
  EXPECT_FALSE(reader->next()->has_value());
}

TEST_F(JournalFile, CreateRefusesAnExistingJournalAndASecondWriter) {
  auto first = JournalWriter::create(dir_, kSmall);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(JournalWriter::resume(dir_, kSmall).error().code, Errc::Conflict);  // locked
  first->reset();
  EXPECT_EQ(JournalWriter::create(dir_, kSmall).error().code, Errc::Conflict);
  EXPECT_EQ(JournalWriter::resume(root_ / "none", kSmall).error().code, Errc::NotFound);
  EXPECT_EQ(JournalReader::open(root_ / "none").error().code, Errc::NotFound);
  EXPECT_EQ(JournalWriter::create(root_ / "x", {.segment_bytes = 10}).error().code, Errc::InvalidArgument);
}

TEST_F(JournalFile, TruncatedAtAnyByteTheWholeFramesRemainAndResumeCompletesIt) {
  constexpr std::uint64_t kFrames = 12;
  const std::uint64_t digest = write_journal(dir_, kFrames);
  const auto whole = contents(dir_);
  ASSERT_GE(whole.size(), 2u);
  const auto& [last_name, last_bytes] = *whole.rbegin();
  std::uint64_t previous = 0;
  for (std::size_t cut = 0; cut <= last_bytes.size(); ++cut) {
    spit(dir_ / last_name, last_bytes.substr(0, cut));
    const ReadBack back = read_back(dir_);
    ASSERT_FALSE(back.error) << cut << ' ' << back.error->message();
    EXPECT_GE(back.frames, previous);
    previous = back.frames;
    auto writer = JournalWriter::resume(dir_, kSmall);
    ASSERT_TRUE(writer.ok()) << cut << ' ' << writer.error().message();
    EXPECT_EQ((*writer)->stored(), back.frames);
    append_all(**writer, kFrames);
    EXPECT_EQ((*writer)->matched(), back.frames);
    EXPECT_EQ((*writer)->frames(), kFrames);
    EXPECT_EQ((*writer)->digest(), digest);
    ASSERT_EQ(contents(dir_), whole) << "cut at " << cut;
  }
  EXPECT_EQ(previous, kFrames);
}

TEST_F(JournalFile, AnEarlierSegmentThatEndsEarlyIsCorruptionNotATail) {
  write_journal(dir_, 40);
  const std::string bytes = slurp(segment(2));
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    spit(segment(2), bytes.substr(0, cut));
    const ReadBack back = read_back(dir_);
    ASSERT_TRUE(back.error) << cut;
    EXPECT_EQ(back.error->code, Errc::Corrupt) << cut;
  }
  fs::remove(segment(2));
  const auto opened = JournalReader::open(dir_);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().context.find("journal-000002.qtj is missing"), std::string::npos) << opened.error().context;
}

TEST_F(JournalFile, EveryFlippedByteIsCorruption) {
  write_journal(dir_, 14);
  for (const auto& [name, bytes] : contents(dir_)) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (const char mask : {'\x01', '\x80', '\xff'}) {
        std::string bad = bytes;
        bad[at] = static_cast<char>(bad[at] ^ mask);
        spit(dir_ / name, bad);
        const ReadBack back = read_back(dir_);
        ASSERT_TRUE(back.error) << name << " byte " << at;
        EXPECT_EQ(back.error->code, Errc::Corrupt);
        EXPECT_NE(back.error->context.find("journal-0000"), std::string::npos);
        EXPECT_FALSE(JournalWriter::resume(dir_, kSmall).ok());
        ASSERT_EQ(slurp(dir_ / name), bad) << "corruption must be left as found";
      }
    }
    spit(dir_ / name, bytes);
  }
}

TEST_F(JournalFile, CorruptionNamesSegmentFrameOffsetAndChecksums) {
  write_journal(dir_, 3, {.segment_bytes = 4096, .buffer_bytes = 4096});
  std::string bytes = slurp(segment(1));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  spit(segment(1), bytes);
  const std::size_t offset = bytes.size() - Sample(2).payload.size() - kFrameHeaderBytes;
  const ReadBack back = read_back(dir_);
  ASSERT_TRUE(back.error);
  const std::string text = back.error->context;
  EXPECT_NE(text.find("journal-000001.qtj: frame 2 at byte " + std::to_string(offset) + ": payload CRC-32C is 0x"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(", stored 0x"), std::string::npos) << text;
}

TEST_F(JournalFile, AnAbsurdLengthWithAValidChecksumIsCorruptionNotAnAllocation) {
  write_journal(dir_, 2);
  const FrameHeaderBytes header = encode(FrameHeader{.length = 0xFFFF'FFFF, .payload_crc = 0, .seq = 2, .ts = 0});
  std::string bytes = slurp(segment(1));
  bytes.append(reinterpret_cast<const char*>(header.data()), header.size());
  spit(segment(1), bytes);
  const ReadBack back = read_back(dir_);
  ASSERT_TRUE(back.error);
  EXPECT_EQ(back.error->code, Errc::Corrupt);
  EXPECT_NE(back.error->context.find("4294967295"), std::string::npos) << back.error->context;
}

TEST_F(JournalFile, SegmentsOfAnotherJournalAreNotMixedIn) {
  write_journal(dir_, 40);
  auto other = JournalWriter::create(root_ / "other", kSmall);
  for (std::uint64_t i = 0; i < 40; ++i) {
    Sample s(i);
    s.frame.ts.ns += 1;
    ASSERT_TRUE((*other)->append(s.frame).ok());
  }
  ASSERT_TRUE((*other)->sync().ok());
  fs::copy_file(root_ / "other" / segment_name(2), segment(2), fs::copy_options::overwrite_existing);
  const ReadBack back = read_back(dir_);
  ASSERT_TRUE(back.error);
  EXPECT_NE(back.error->context.find("digest of the frames before"), std::string::npos) << back.error->context;
}

TEST_F(JournalFile, ANewerVersionIsRefusedAsSuch) {
  write_journal(dir_, 1);
  std::string bytes = slurp(segment(1));
  bytes[8] = 9;
  const std::uint32_t crc = base::crc32c(base::as_bytes(bytes).first(36));
  std::memcpy(bytes.data() + 36, &crc, 4);
  spit(segment(1), bytes);
  const ReadBack back = read_back(dir_);
  ASSERT_TRUE(back.error);
  EXPECT_EQ(back.error->code, Errc::SchemaMismatch);
}

TEST_F(JournalFile, ResumeRefusesTheFirstDifferingFrameAndLatches) {
  write_journal(dir_, 20);
  auto writer = JournalWriter::resume(dir_, kSmall);
  ASSERT_TRUE(writer.ok());
  for (std::uint64_t i = 0; i < 5; ++i) ASSERT_TRUE((*writer)->append(Sample(i).frame).ok());
  Sample different(5);
  different.frame.seq += 1;
  const auto refused = (*writer)->append(different.frame);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::Conflict);
  EXPECT_NE(refused.error().context.find("frame 5 in journal-0000"), std::string::npos) << refused.error().context;
  EXPECT_FALSE((*writer)->append(Sample(5).frame).ok());
  EXPECT_FALSE((*writer)->sync().ok());
  EXPECT_EQ((*writer)->matched(), 5u);
}

TEST_F(JournalFile, ExtendedAfterACutItIsTheJournalWrittenInOneGo) {
  const std::uint64_t whole = write_journal(root_ / "whole", 120);
  std::uint32_t cut = 0;
  {
    auto writer = JournalWriter::create(dir_, kSmall);
    ASSERT_TRUE(writer.ok());
    append_all(**writer, 60);
    const auto segment = (*writer)->cut();
    ASSERT_TRUE(segment.ok()) << segment.error().message();
    cut = *segment;
    for (std::uint64_t i = 60; i < 75; ++i) ASSERT_TRUE((*writer)->append(Sample(i).frame).ok());
  }
  const auto last = count_segments(dir_);
  ASSERT_TRUE(last.ok());
  fs::resize_file(segment(*last), fs::file_size(segment(*last)) - 1);  // the last frame is torn
  auto reader = JournalReader::open_at(dir_, cut);
  ASSERT_TRUE(reader.ok());
  const auto first = reader->next();
  ASSERT_TRUE(first.ok() && *first);
  EXPECT_EQ((*first)->index, 60u);

  auto writer = JournalWriter::extend(dir_, cut, kSmall);
  ASSERT_TRUE(writer.ok()) << writer.error().message();
  const std::uint64_t have = (*writer)->frames();
  EXPECT_GE(have, 60u);
  EXPECT_LT(have, 75u);
  for (std::uint64_t i = have; i < 120; ++i) ASSERT_TRUE((*writer)->append(Sample(i).frame).ok());
  ASSERT_TRUE((*writer)->sync().ok());
  EXPECT_EQ((*writer)->digest(), whole);
  EXPECT_EQ(read_back(dir_).frames, 120u);
  EXPECT_EQ(read_back(dir_).digest, whole);
  EXPECT_EQ(JournalReader::open_at(dir_, 99).error().code, Errc::NotFound);
}

TEST_F(JournalFile, ReaderFollowsAWriter) {
  auto writer = JournalWriter::create(dir_, kSmall);
  auto reader = JournalReader::open(dir_);
  ASSERT_TRUE(reader.ok());
  for (std::uint64_t i = 0; i < 60; ++i) {
    EXPECT_FALSE(reader->next()->has_value());
    ASSERT_TRUE((*writer)->append(Sample(i).frame).ok());
    ASSERT_TRUE((*writer)->sync().ok());
    auto next = reader->next();
    ASSERT_TRUE(next.ok() && next->has_value()) << i;
    EXPECT_EQ((*next)->index, i);
  }
}

/// Runs `body` in a child process and returns its exit status.
template <class Body>
int in_child(Body body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(JournalFile, AFullDiskIsNoSpaceLatchesAndLeavesARecoverableJournal) {
  constexpr std::uint64_t kFrames = 60;
  const JournalOptions options{.segment_bytes = 1 << 20, .buffer_bytes = 100, .fsync = false};
  const std::uint64_t digest = write_journal(root_ / "reference", kFrames, options);
  for (const rlim_t limit : {10, 40, 45, 300, 777, 1500}) {
    fs::remove_all(dir_);
    const int status = in_child([&] {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit cap{limit, limit};
      setrlimit(RLIMIT_FSIZE, &cap);
      auto writer = JournalWriter::create(dir_, options);
      if (!writer) return writer.error().code == Errc::NoSpace && !fs::exists(segment(1)) ? 10 : 1;
      for (std::uint64_t i = 0; i < kFrames; ++i) {
        if (const auto done = (*writer)->append(Sample(i).frame); !done) {
          if (done.error().code != Errc::NoSpace) return 2;
          if ((*writer)->append(Sample(i).frame).ok() || (*writer)->sync().ok()) return 3;
          return 11;
        }
      }
      return 4;
    });
    if (limit < kSegmentHeaderBytes) {
      EXPECT_EQ(status, 10) << limit;
      continue;
    }
    ASSERT_EQ(status, 11) << limit;
    EXPECT_EQ(fs::file_size(segment(1)), limit);
    auto writer = JournalWriter::resume(dir_, options);
    ASSERT_TRUE(writer.ok()) << writer.error().message();
    append_all(**writer, kFrames);
    EXPECT_EQ((*writer)->digest(), digest);
    EXPECT_EQ(contents(dir_), contents(root_ / "reference"));
  }
}

TEST_F(JournalFile, KilledAtRandomMomentsAResumedRunEndsWithTheSameBytes) {
  constexpr std::uint64_t kFrames = 4000;
  const JournalOptions options{.segment_bytes = 20'000, .buffer_bytes = 700, .fsync = false};
  const std::uint64_t digest = write_journal(root_ / "reference", kFrames, options);
  const auto reference = contents(root_ / "reference");
  base::Rng rng(11);
  std::uint64_t interrupted = 0;
  for (int round = 0; round < 12; ++round) {
    fs::remove_all(dir_);
    ASSERT_TRUE(JournalWriter::create(dir_, options).ok());
    for (int kill_count = 0; kill_count < 3; ++kill_count) {
      const pid_t pid = fork();
      if (pid == 0) {
        auto writer = JournalWriter::resume(dir_, options);
        if (!writer) _exit(1);
        for (std::uint64_t i = 0; i < kFrames; ++i) {
          if (!(*writer)->append(Sample(i).frame) || (i % 7 == 0 && !(*writer)->sync())) _exit(2);
        }
        _exit((*writer)->sync().ok() ? 0 : 3);
      }
      usleep(static_cast<useconds_t>(rng.below(5'000)));
      kill(pid, SIGKILL);
      int status = 0;
      waitpid(pid, &status, 0);
      ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
    }
    auto writer = JournalWriter::resume(dir_, options);
    ASSERT_TRUE(writer.ok()) << writer.error().message();
    if ((*writer)->stored() > 0 && (*writer)->stored() < kFrames) ++interrupted;
    append_all(**writer, kFrames);
    EXPECT_EQ((*writer)->digest(), digest);
    ASSERT_EQ(contents(dir_), reference);
  }
  RecordProperty("rounds_interrupted_midway", static_cast<int>(interrupted));
}

}  // namespace
}  // namespace qtrader::store
