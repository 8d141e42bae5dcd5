//! What a component needs where there is no standard library: memory, and an end.
//!
//! An operation asks for memory some hundred times and for little of it, and its sandbox is
//! thrown away with all of it. So blocks are cut one after the other from what is left, and one
//! that is given back waits for the next request of its size. None is split or joined, as a general
//! allocator does, which is dearer in bytes and in instructions, and pays where memory lives on.

#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::cell::Cell;
use core::ptr::null_mut;

/// What every block is a multiple of and aligned to; nothing here needs more.
const GRAIN: usize = 8;
/// The smallest block. A free one holds the address of the next.
const SMALLEST: usize = 2 * GRAIN;
/// Sizes of blocks: four between one power of two and the next, so that a fifth is lost at most.
const SIZES: usize = 4 * 32;
const PAGE: usize = 64 << 10;

struct Blocks {
    /// The first free block of each size.
    free: [Cell<*mut u8>; SIZES],
    /// Where the next block is cut, and where memory ends; both 0 at first.
    next: Cell<usize>,
    end: Cell<usize>,
}

// SAFETY: a component has one thread.
unsafe impl Sync for Blocks {}

#[global_allocator]
static BLOCKS: Blocks = Blocks {
    free: [const { Cell::new(null_mut()) }; SIZES],
    next: Cell::new(0),
    end: Cell::new(0),
};

unsafe extern "C" {
    /// Where the linker's own data end.
    static __heap_base: u8;
}

/// The size of the block that so many bytes go into, and its place among the sizes.
fn block(bytes: usize) -> (usize, usize) {
    let bytes = bytes.max(SMALLEST);
    let step = (1_usize << (bytes.ilog2() - 2)).max(GRAIN);
    let size = (bytes + step - 1) & !(step - 1);
    let power = size.ilog2();
    (size, (4 * power) as usize + (size >> (power - 2) & 3))
}

impl Blocks {
    /// A new block, from the memory that there is or from more of it.
    fn cut(&self, size: usize) -> *mut u8 {
        if self.end.get() == 0 {
            let base = &raw const __heap_base as usize;
            self.next.set((base + GRAIN - 1) & !(GRAIN - 1));
            self.end.set(wasm32::memory_size(0) * PAGE);
        }
        let at = self.next.get();
        let Some(next) = at.checked_add(size) else {
            return null_mut();
        };
        if next > self.end.get() {
            let pages = (next - self.end.get()).div_ceil(PAGE);
            if wasm32::memory_grow(0, pages) == usize::MAX {
                return null_mut();
            }
            self.end.set(self.end.get() + pages * PAGE);
        }
        self.next.set(next);
        at as *mut u8
    }
}

// SAFETY: a block is at least as large as what was asked for and aligned to `GRAIN`. It is cut
// once, from memory that is nobody's, and is on the list of its size only between being given
// back and being given out again; its size follows from the layout, which is the same both times.
unsafe impl GlobalAlloc for Blocks {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > GRAIN || layout.size() > isize::MAX as usize / 2 {
            return null_mut();
        }
        let (size, place) = block(layout.size());
        let Some(free) = self.free.get(place) else {
            return null_mut();
        };
        let first = free.get();
        if first.is_null() {
            return self.cut(size);
        }
        // SAFETY: a free block begins with the address of the next.
        free.set(unsafe { first.cast::<*mut u8>().read() });
        first
    }

    #[inline(never)]
    unsafe fn dealloc(&self, given: *mut u8, layout: Layout) {
        let (_, place) = block(layout.size());
        if let Some(free) = self.free.get(place) {
            // SAFETY: the block is the caller's to give back, and holds an address.
            unsafe { given.cast::<*mut u8>().write(free.get()) };
            free.set(given);
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, given: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        let (size, _) = block(layout.size());
        if bytes <= size && block(bytes).0 == size {
            return given;
        }
        // SAFETY: the caller promises that the size, rounded up, is one.
        let wanted = unsafe { Layout::from_size_align_unchecked(bytes, layout.align()) };
        // SAFETY: as above; what is copied is in both blocks, which are two.
        unsafe {
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(given, layout.size().min(bytes));
                self.dealloc(given, layout);
            }
            moved
        }
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    wasm32::unreachable()
}
