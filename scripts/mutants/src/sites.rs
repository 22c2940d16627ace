//! Where in a file a switch can stand: around an expression, in a match arm's guard, at the beginning of a function.

use std::ops::Range;

use proc_macro2::Span;
use syn::{
    Arm, BinOp, Block, Expr, ExprBinary, ExprMatch, Pat,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::{
    changes::{Change, Genre, Position},
    places::Places,
};

/// How a switch is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Nothing was there: the function returns before its first statement.
    Return,
    /// Nothing was there: the match arm gets a guard.
    NewGuard,
    /// A guard that binds names, which cannot stand in parentheses; it can only be kept from holding.
    LetGuard,
    /// The guard is evaluated or replaced.
    Guard,
    /// The expression is evaluated as it is or with one change.
    Expression,
}

pub struct Site {
    pub bytes: Range<usize>,
    pub form: Form,
    pub changes: Vec<Edit>,
}

/// A change, by bytes of the original file.
pub struct Edit {
    pub number: usize,
    pub bytes: Range<usize>,
    pub replacement: String,
}

/// All sites in a file that have a change, outer ones before inner ones.
pub fn find(source: &str, changes: &[Change], places: &mut Places) -> syn::Result<Vec<Site>> {
    let file = syn::parse_file(source)?;
    let mut finder = Finder { lines: line_starts(source), source, sites: Vec::new() };
    finder.visit_file(&file);
    let mut sites = finder.sites;
    sites.sort_by_key(|site| (site.bytes.start, std::cmp::Reverse(site.bytes.end), site.form));
    let lines = line_starts(source);
    for change in changes {
        let bytes = offset(source, &lines, change.start)..offset(source, &lines, change.end);
        match place(&mut sites, change, &bytes) {
            Ok((site, replacement)) => site.changes.push(Edit { number: change.number, bytes, replacement }),
            Err(why) => places.leave_out(change.number, why),
        }
    }
    sites.retain(|site| !site.changes.is_empty());
    Ok(sites)
}

/// The smallest site that the change fits in, and what stands there instead.
fn place<'a>(sites: &'a mut [Site], change: &Change, bytes: &Range<usize>) -> Result<(&'a mut Site, String), &'static str> {
    let around = |site: &Site| site.bytes.start <= bytes.start && bytes.end <= site.bytes.end;
    let site = match change.genre {
        Genre::FnValue if change.returns.contains("impl ") => return Err("the function's type is known by its body alone"),
        Genre::FnValue => sites.iter_mut().rev().find(|site| site.form == Form::Return && site.bytes.start <= bytes.start),
        Genre::Expression => {
            sites.iter_mut().filter(|site| site.form == Form::Expression && around(site)).min_by_key(|site| site.bytes.len())
        }
        Genre::Guard => sites.iter_mut().find(|site| matches!(site.form, Form::Guard | Form::LetGuard) && site.bytes == *bytes),
        // The arm begins with its pattern, and its guard is the first one in it.
        Genre::Arm => sites.iter_mut().find(|site| {
            matches!(site.form, Form::Guard | Form::LetGuard | Form::NewGuard)
                && bytes.start < site.bytes.start
                && site.bytes.end < bytes.end
        }),
    };
    let site = site.ok_or("nothing can be switched there: a constant, a pattern, or `let` beside it")?;
    let replacement = if change.genre == Genre::Arm { "false".to_owned() } else { change.replacement.clone() };
    if site.form == Form::LetGuard && replacement != "false" {
        return Err("the guard binds names");
    }
    Ok((site, replacement))
}

struct Finder<'a> {
    source: &'a str,
    lines: Vec<usize>,
    sites: Vec<Site>,
}

impl Finder<'_> {
    fn add(&mut self, bytes: Range<usize>, form: Form) {
        self.sites.push(Site { bytes, form, changes: Vec::new() });
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        let at = |at: proc_macro2::LineColumn| offset(self.source, &self.lines, (at.line, at.column + 1));
        at(span.start())..at(span.end())
    }

    fn add_body(&mut self, body: &Block) {
        let start = self.bytes(body.brace_token.span.open()).end;
        self.add(start..start, Form::Return);
    }

    /// Operators beside each other are one site: what a changed one binds to is for the compiler to say.
    fn visit_operands(&mut self, binary: &ExprBinary) {
        for operand in [&*binary.left, &*binary.right] {
            match operand {
                Expr::Binary(inner) => self.visit_operands(inner),
                other => self.visit_expr(other),
            }
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Binary(binary) if has_let(expr) => {
                self.visit_expr(&binary.left);
                self.visit_expr(&binary.right);
            }
            Expr::Binary(binary) => {
                self.add(self.bytes(expr.span()), Form::Expression);
                self.visit_operands(binary);
            }
            Expr::Unary(_) | Expr::Struct(_) => {
                self.add(self.bytes(expr.span()), Form::Expression);
                visit::visit_expr(self, expr);
            }
            // The number of elements is a constant.
            Expr::Repeat(repeat) => self.visit_expr(&repeat.expr),
            Expr::Const(_) => {}
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_expr_match(&mut self, matched: &'ast ExprMatch) {
        // An arm without a guard can only be left out if another one takes all that is left.
        let takes_all = |arm: &Arm| matches!(arm.pat, Pat::Wild(_)) && arm.guard.is_none();
        let is_open = matched.arms.iter().any(takes_all);
        for arm in &matched.arms {
            match &arm.guard {
                Some((_, guard)) => self.add(self.bytes(guard.span()), if has_let(guard) { Form::LetGuard } else { Form::Guard }),
                None if is_open => {
                    let end = self.bytes(arm.pat.span()).end;
                    self.add(end..end, Form::NewGuard);
                }
                None => {}
            }
        }
        visit::visit_expr_match(self, matched);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add_body(&item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add_body(&item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.add_body(body);
        }
        visit::visit_trait_item_fn(self, item);
    }

    // What the compiler computes is not switched.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_variant(&mut self, _: &'ast syn::Variant) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_pat(&mut self, _: &'ast Pat) {}
}

/// Whether this is a chain of conditions, one of which binds names: it cannot stand in parentheses.
fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(ExprBinary { left, op: BinOp::And(_), right, .. }) => has_let(left) || has_let(right),
        _ => false,
    }
}

fn line_starts(source: &str) -> Vec<usize> {
    std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

fn offset(source: &str, lines: &[usize], (line, column): Position) -> usize {
    let start = lines[line - 1];
    source[start..].char_indices().nth(column - 1).map_or(source.len(), |(at, _)| start + at)
}
