/*
 * The program of the helper image: makes, limits, lists and removes control groups on an engine's host. It needs nothing but a kernel.
 *
 * Each argument is one step, taken in order; its first character says which:
 *
 *   +PATH         make a directory; one that exists is as good
 *   =PATH\nTEXT   write TEXT into a file, which is created where the file system allows that
 *   -PATH         remove a directory and the directories in it, the deepest first; one that is gone is as good
 *   ~PATH         remove a file; one that is gone is as good
 *   ?PATH         list the directories in a directory
 *
 * A step that fails prints its index (from 0), " !" and the error number; a listed directory prints the index, a space and its name.
 * The exit code is 0: what a failure means is for who wrote the steps.
 */

enum { ENOENT = 2, EEXIST = 17, ENAMETOOLONG = 36 };
enum { AT_FDCWD = -100, AT_REMOVEDIR = 0x200, O_WRONLY = 1, O_CREAT = 0100, O_TRUNC = 01000, isDirectory = 4, pathSize = 4096 };

#if defined(__x86_64__)
enum { sysWrite = 1, sysClose = 3, sysExit = 60, sysGetdents = 217, sysOpenat = 257, sysMkdirat = 258, sysUnlinkat = 263, O_DIRECTORY = 0200000, O_NOFOLLOW = 0400000 };
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call run\n");

static long call(long number, long a, long b, long c, long d) {
  register long r10 __asm__("r10") = d;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
enum { sysWrite = 64, sysClose = 57, sysExit = 93, sysGetdents = 61, sysOpenat = 56, sysMkdirat = 34, sysUnlinkat = 35, O_DIRECTORY = 040000, O_NOFOLLOW = 0100000 };
__asm__(".globl _start\n_start: mov x0, sp\n bl run\n");

static long call(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c, x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}
#endif

struct entry {
  unsigned long inode;
  long next;
  unsigned short size;
  unsigned char type;
  char name[];
};

static long length(const char *text) {
  long count = 0;
  while (text[count]) count++;
  return count;
}

static void print(const char *text, long size) {
  while (size > 0) {
    long written = call(sysWrite, 1, (long)text, size, 0);
    if (written <= 0) return;
    text += written;
    size -= written;
  }
}

static void printNumber(long number) {
  char digits[20];
  int at = sizeof digits;
  do digits[--at] = '0' + number % 10; while (number /= 10);
  print(digits + at, sizeof digits - at);
}

static int isName(const struct entry *entry) {
  const char *name = entry->name;
  return entry->type == isDirectory && !(name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])));
}

/* Calls `found(path, name, index)` for each directory in a directory; `path` may be changed and is restored by `found`. */
static long each(char *path, long index, void (*found)(char *, const char *, long)) {
  char entries[1024] __attribute__((aligned(8)));
  long directory = call(sysOpenat, AT_FDCWD, (long)path, O_DIRECTORY | O_NOFOLLOW, 0), size;
  if (directory < 0) return directory;
  while ((size = call(sysGetdents, directory, (long)entries, sizeof entries, 0)) > 0)
    for (long at = 0; at < size;) {
      struct entry *entry = (struct entry *)(entries + at);
      if (isName(entry)) found(path, entry->name, index);
      at += entry->size;
    }
  call(sysClose, directory, 0, 0, 0);
  return size;
}

static void list(char *path, const char *name, long index) {
  printNumber(index);
  print(" ", 1);
  print(name, length(name));
  print("\n", 1);
}

static long removeTree(char *path);

static void removeInside(char *path, const char *name, long index) {
  long end = length(path), more = length(name);
  if (end + more + 2 > pathSize) return;
  path[end] = '/';
  for (long at = 0; at <= more; at++) path[end + 1 + at] = name[at];
  removeTree(path);
  path[end] = 0;
}

/* What holds an inner directory holds the outer one too, whose error is the answer. */
static long removeTree(char *path) {
  each(path, 0, removeInside);
  return call(sysUnlinkat, AT_FDCWD, (long)path, AT_REMOVEDIR, 0);
}

/* In one write, as the kernel takes a value of a control file. */
static long writeText(char *path, const char *text) {
  long file = call(sysOpenat, AT_FDCWD, (long)path, O_WRONLY | O_CREAT | O_TRUNC, 0644), written;
  if (file < 0) return file;
  written = call(sysWrite, file, (long)text, length(text), 0);
  call(sysClose, file, 0, 0, 0);
  return written;
}

static long take(const char *step, long index) {
  char path[pathSize];
  long at = 0, result;
  for (step++; step[at] && step[at] != '\n'; at++) {
    if (at == pathSize - 1) return -ENAMETOOLONG;
    path[at] = step[at];
  }
  path[at] = 0;
  switch (step[-1]) {
    case '+':
      result = call(sysMkdirat, AT_FDCWD, (long)path, 0755, 0);
      return result == -EEXIST ? 0 : result;
    case '=': return writeText(path, step + at + (step[at] == '\n'));
    case '-': result = removeTree(path); break;
    case '~': result = call(sysUnlinkat, AT_FDCWD, (long)path, 0, 0); break;
    default: return each(path, index, list);
  }
  return result == -ENOENT ? 0 : result;
}

__attribute__((noreturn, used)) void run(long *stack) {
  char **arguments = (char **)(stack + 1);
  for (long at = 1; at < stack[0]; at++) {
    long result = take(arguments[at], at - 1);
    if (result >= 0) continue;
    printNumber(at - 1);
    print(" !", 2);
    printNumber(-result);
    print("\n", 1);
  }
  for (;;) call(sysExit, 0, 0, 0, 0);
}
